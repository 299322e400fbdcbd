enum RelayAgentPlaceholder {}
