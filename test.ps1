# test.sh for PowerShell: builds everything, runs every test, and ends with the line `N passed, N failed, N skipped`.
# Optional tests need ffmpeg, Chromium, an OpenCL or CUDA device, the reference material in ../shared, and api.nuget.org (for the packages); what is absent is
# named, and its tests are skipped.
Set-Location $PSScriptRoot
if (-not (Get-Command ffmpeg -ErrorAction SilentlyContinue)) { 'without ffmpeg: tests that decode music are skipped' }
if (-not (Test-Path ../shared/reference)) { 'without ../shared: tests against the reference material are skipped' }

$results = Join-Path ([IO.Path]::GetTempPath()) ([IO.Path]::GetRandomFileName())
try {
    dotnet build Engine.sln -c Release --nologo -v quiet
    if ($LASTEXITCODE -ne 0) { exit 1 }
    dotnet test Engine.sln -c Release --no-build --nologo --results-directory $results --logger trx --logger 'console;verbosity=minimal'
    $status = $LASTEXITCODE
    $total = 0; $passed = 0; $failed = 0
    foreach ($file in Get-ChildItem $results -Filter *.trx -Recurse -ErrorAction SilentlyContinue) {
        $counters = ([xml](Get-Content $file.FullName -Raw)).TestRun.ResultSummary.Counters
        $total += [int]$counters.total; $passed += [int]$counters.passed; $failed += [int]$counters.failed
    }
    if ($total -eq 0) { Write-Error 'no test ran'; exit 1 }
    "$passed passed, $failed failed, $($total - $passed - $failed) skipped"
    exit $status
}
finally {
    Remove-Item $results -Recurse -Force -ErrorAction SilentlyContinue
}
