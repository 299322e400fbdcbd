enum RelayContentPlaceholder {}
