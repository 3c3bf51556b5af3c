//! Feature repositories, validation, plan and apply, and the registry file.
