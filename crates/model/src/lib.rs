//! What there is: units, expressions, description, catalogue, resolve, diagnostics. No stepping code.
