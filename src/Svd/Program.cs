using Engine.Svd.Cli;

return SvdCommand.Run(args);
