//! HTTP and gRPC servers over one feature service.
