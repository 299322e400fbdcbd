enum RelayStoragePlaceholder {}
