using System.Text.Json;
using Engine.Svd.Data;

namespace Engine.Svd.Cli;

/// <summary>What a job says that has done its part of the songs while others have not done theirs.</summary>
internal sealed record ShardReport(string Shard, int SongsDone, int Songs)
{
    /// <summary>Prints it and returns the exit code.</summary>
    public static int Print(Shard shard, int done, int songs, bool json)
    {
        Console.WriteLine(json
            ? JsonSerializer.Serialize(new ShardReport(shard.ToString(), done, songs), Json.Indented)
            : $"part {shard} is done: {done} of {songs} songs are finished. The job that finishes the last song writes the totals; "
                + "so does the same command without --shard.");
        return 0;
    }
}
