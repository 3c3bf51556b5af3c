//! Joins of a bucket on a cluster of `fs` processes.

use larder_tests::JoinCluster;

use crate::{KEYS, Lake, SECRET};

const ASKED: [&str; 5] =
    ["get-historical-features", "--entity-df", "entities.csv", "-f", "stats:rate"];

#[test]
fn executors_read_a_bucket_as_one_process_does() {
    let lake = Lake::applied();
    lake.ok(&[&ASKED[..], &["--output", "local.csv"]].concat());
    let cluster = JoinCluster::start(30, 2, &KEYS);
    let own = lake.repository.read("larder.yaml");
    let store = format!("type: ballista\n  scheduler: {}\n  partitions: 2", cluster.scheduler());
    let settings = own.replacen("offline_store:", &format!("offline_store:\n  {store}"), 1);
    lake.repository.write("larder.yaml", &settings);
    let joined = lake.run(&[&ASKED[..], &["--output", "joined.csv"]].concat());
    assert_eq!(joined.code, Some(0), "{}\n{}", joined.text(), cluster.logs());
    let (here, there) = (lake.repository.read("local.csv"), lake.repository.read("joined.csv"));
    assert_eq!(there, here);
    assert!(here.lines().count() > 3, "{here}");
    assert!(!joined.text().contains(SECRET) && !cluster.logs().contains(SECRET));
}
