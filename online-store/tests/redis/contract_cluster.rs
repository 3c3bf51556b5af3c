//! The contract, both layouts.

mod feast {
    use larder_online_store::{RedisLayout, online_store_contract};

    use crate::servers::{cluster, with_layout};

    online_store_contract!(with_layout(cluster(), RedisLayout::Feast), without_created_times);
    online_store_contract!(@each with_layout(cluster(), RedisLayout::Feast); views_may_have_any_name);
}

mod packed {
    use larder_online_store::{RedisLayout, online_store_contract};

    use crate::servers::{cluster, with_layout};

    online_store_contract!(with_layout(cluster(), RedisLayout::Packed));
    online_store_contract!(@each with_layout(cluster(), RedisLayout::Packed); views_may_have_any_name);
}
