//! The offline engine on DataFusion.
