using System.CommandLine;
using Engine.Svd.Audio;
using Engine.Svd.Data;

namespace Engine.Svd.Cli;

/// <summary>The options that say how a corpus is read: <c>--cache</c> and <c>--decoder</c>. A command takes both together.</summary>
internal sealed class CacheOptions
{
    /// <summary>What <c>--shard</c> says of a command whose long part is to decode the songs.</summary>
    public const string SharedOut = "Each job decodes its songs into the cache; the job that finishes last does the rest.";

    private readonly Option<string?> _folder = Options.Cache();
    private readonly Option<Decoder> _decoder = Options.Decoder();

    /// <summary>Adds the options to a command.</summary>
    public void AddTo(Command command)
    {
        command.Options.Add(_folder);
        command.Options.Add(_decoder);
    }

    /// <summary>What a command line asks for.</summary>
    public CacheChoice Of(ParseResult parsed) => new(parsed.GetValue(_folder), parsed.GetValue(_decoder));
}

/// <summary>Where spectrograms are kept, and what decodes the songs of those that are missing.</summary>
/// <param name="Folder">The folder; null for the default.</param>
/// <param name="Decoder">The decoder.</param>
internal sealed record CacheChoice(string? Folder, Decoder Decoder)
{
    /// <summary>Opens the cache of a corpus.</summary>
    public SpectrogramCache Open(string data) => SpectrogramCache.Open(data, Folder, SvdCommand.Warn, Decoder);
}
