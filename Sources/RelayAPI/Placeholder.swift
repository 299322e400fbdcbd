enum RelayAPIPlaceholder {}
