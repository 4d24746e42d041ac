//! cps-core/macros
