//! The contract, both layouts.

mod feast {
    use larder_online_store::{RedisLayout, online_store_contract};

    use crate::servers::{sentinel, with_layout};

    online_store_contract!(with_layout(sentinel(), RedisLayout::Feast), without_created_times);
    online_store_contract!(@each with_layout(sentinel(), RedisLayout::Feast); views_may_have_any_name);
}

mod packed {
    use larder_online_store::{RedisLayout, online_store_contract};

    use crate::servers::{sentinel, with_layout};

    online_store_contract!(with_layout(sentinel(), RedisLayout::Packed));
    online_store_contract!(@each with_layout(sentinel(), RedisLayout::Packed); views_may_have_any_name);
}
