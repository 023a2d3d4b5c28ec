"""Random access into log files of any size: windows, a sparse index, parallel searches."""
