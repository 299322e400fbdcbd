enum RelayControlPlaceholder {}
