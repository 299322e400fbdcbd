enum RelayFolderPlaceholder {}
