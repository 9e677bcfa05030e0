namespace Engine.Svd.Predict;

/// <summary>The kinds of files that segments are written to.</summary>
internal enum SegmentFormat
{
    /// <summary>NAME.lab: start, end and label, with spaces between them.</summary>
    Lab,

    /// <summary>NAME.txt: a label track of Audacity, with tabs between them.</summary>
    Audacity,

    /// <summary>NAME.csv: a table with a head.</summary>
    Csv,

    /// <summary>NAME.jams: JSON Annotated Music Specification 0.3 (Humphrey et al., ISMIR 2014), namespace segment_open.</summary>
    Jams,

    /// <summary>NAME.json: an object with the segments and how they were found.</summary>
    Json,
}
