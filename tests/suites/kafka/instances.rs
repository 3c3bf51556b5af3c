//! Several instances of one job.

use std::thread::sleep;
use std::time::Duration;

use larder_tests::Kafka;

use crate::running::Running;
use crate::shop::{Shop, events_topic};
use crate::visitors::{Visitors, put};

#[test]
fn instances_that_join_and_leave_tell_every_row_once() {
    let kafka = Kafka::shared();
    let events = events_topic(&kafka);
    let shop = Shop::over(&kafka, &events);
    let mut visitors = Visitors::new(13);
    put(&kafka, &events, &visitors.events(5_000));
    let first = shop.start(&["clicks", "--instance", "a"]);
    sleep(Duration::from_secs(1));
    let second = shop.start(&["clicks", "--instance", "b"]);
    put(&kafka, &events, &visitors.events(10_000));
    sleep(Duration::from_secs(4));
    first.stop();
    put(&kafka, &events, &visitors.events(10_000));
    sleep(Duration::from_secs(1));
    let third = shop.start(&["clicks", "--instance", "c"]);
    put(&kafka, &events, &visitors.events(10_000));
    sleep(Duration::from_secs(3));
    second.kill();
    let mut running = [third];
    shop.wait(&["clicks"], &mut running);
    running.into_iter().for_each(Running::stop);

    let undisturbed = Shop::over(&kafka, &events);
    let mut running = [undisturbed.start(&["clicks"])];
    undisturbed.wait(&["clicks"], &mut running);
    running.into_iter().for_each(Running::stop);
    let (expected, found) = (undisturbed.rows("clicks"), shop.rows("clicks"));
    assert!(!expected.is_empty());
    assert_eq!(found.len(), expected.len());
    assert_eq!(found, expected);
}

#[test]
fn the_second_instance_of_a_job_over_all_partitions_takes_over_and_the_first_says_so() {
    let kafka = Kafka::shared();
    let events = events_topic(&kafka);
    let shop = Shop::over(&kafka, &events);
    let mut visitors = Visitors::new(17);
    put(&kafka, &events, &visitors.events(2_000));
    let mut first = [shop.start(&["visits"])];
    shop.wait(&["visits"], &mut first);
    let mut second = [shop.start(&["visits"])];
    let [mut first] = first;
    // It learns of it with its next commit.
    while !first.has_ended() {
        put(&kafka, &events, &visitors.events(200));
        sleep(Duration::from_millis(500));
        assert!(!second[0].has_ended());
    }
    let (is_good, log) = first.end();
    assert!(!is_good && log.contains("another instance"), "{log}");
    shop.wait(&["visits"], &mut second);
    second.into_iter().for_each(Running::stop);
}
