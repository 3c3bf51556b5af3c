//! Users: sessions, purchases, and their daily roll-up.

use std::path::Path;

use larder_core::{Result, Timestamp};

use super::{CATEGORIES, Calendar, DEVICES, cents, user_key, written_after};
use crate::generate::columns::Columns;
use crate::generate::random::Draws;

/// Roll-up of one user's history at the end of one day.
#[derive(Debug, Clone)]
pub(super) struct Row {
    user: String,
    avg_session_duration: f64,
    page_views_7d: i64,
    purchases_30d: i64,
    avg_order_value: Option<f64>,
    preferred_category: &'static str,
    device: &'static str,
    last_activity: Timestamp,
    last_activity_days_ago: i64,
    session_seconds: f64,
    churn_risk: f64,
    event: Timestamp,
    created: Timestamp,
}

/// What one user is like.
struct Habits {
    sessions_per_day: f64,
    session_seconds: f64,
    order_value: f64,
    buys: f64,
    categories: [f64; CATEGORIES.len()],
    devices: [f64; DEVICES.len()],
    /// First day, and the day from which on there are hardly any visits.
    arrives: usize,
    leaves: usize,
}

/// One user's activity on one day.
#[derive(Debug, Clone, Copy, Default)]
struct Day {
    sessions: u32,
    seconds: f64,
    views: u32,
    orders: u32,
    spent: f64,
    categories: [u32; CATEGORIES.len()],
    devices: [u32; DEVICES.len()],
}

/// A row per user and day with activity, one a week without, and a late correction now and then.
pub(super) fn rows(draws: &mut Draws, users: usize, calendar: Calendar) -> Vec<Row> {
    (0..users)
        .flat_map(|index| {
            let habits = habits(draws, calendar.days);
            let days: Vec<Day> =
                (0..calendar.days).map(|day| simulate(draws, &habits, day)).collect();
            roll_up(draws, index, &days, calendar)
        })
        .collect()
}

fn habits(draws: &mut Draws, days: usize) -> Habits {
    let arrives = draws.below(days / 2);
    let leaves = if draws.chance(0.25) { arrives + draws.below(days) } else { days };
    Habits {
        sessions_per_day: draws.log_normal(0.5, 0.7).min(4.0),
        session_seconds: draws.log_normal(240.0, 0.5),
        order_value: draws.log_normal(55.0, 0.6),
        buys: draws.between(0.02, 0.20),
        categories: CATEGORIES.map(|_| draws.log_normal(1.0, 1.2)),
        devices: [0.60, 0.30, 0.10].map(|share| share * draws.log_normal(1.0, 1.0)),
        arrives,
        leaves,
    }
}

fn simulate(draws: &mut Draws, habits: &Habits, day: usize) -> Day {
    let mut today = Day::default();
    if day < habits.arrives {
        return today;
    }
    let visits = if day < habits.leaves { habits.sessions_per_day } else { 0.01 };
    // Everybody is seen on the first day: that is how an account is made.
    today.sessions = draws.poisson(visits).max(u32::from(day == habits.arrives));
    for _ in 0..today.sessions {
        today.seconds += draws.log_normal(habits.session_seconds, 0.8);
        today.views += 1 + draws.poisson(4.0);
        today.categories[draws.weighted(&habits.categories)] += 1;
        today.devices[draws.weighted(&habits.devices)] += 1;
        if draws.chance(habits.buys) {
            today.orders += 1;
            today.spent += draws.log_normal(habits.order_value, 0.4);
        }
    }
    today
}

fn roll_up(draws: &mut Draws, user: usize, days: &[Day], calendar: Calendar) -> Vec<Row> {
    let mut rows = Vec::new();
    let mut last_active = None;
    for (day, today) in days.iter().enumerate() {
        if today.sessions > 0 {
            last_active = Some(day);
        }
        let Some(active) = last_active else { continue };
        let idle = day - active;
        if idle % 7 != 0 {
            continue;
        }
        let times = (calendar.at(active, 0.9), calendar.at(day, 0.999));
        let row = summary(draws, user, &days[..=day], idle, times);
        if draws.chance(0.01) {
            rows.push(corrected(&row));
        }
        rows.push(row);
    }
    rows
}

fn summary(
    draws: &mut Draws,
    user: usize,
    days: &[Day],
    idle: usize,
    (last_activity, event): (Timestamp, Timestamp),
) -> Row {
    let (week, month) = (tail(days, 7), tail(days, 30));
    let sessions: u32 = week.iter().map(|day| day.sessions).sum();
    let seconds: f64 = week.iter().map(|day| day.seconds).sum();
    let orders: u32 = days.iter().map(|day| day.orders).sum();
    let spent: f64 = days.iter().map(|day| day.spent).sum();
    let visits: u32 = month.iter().map(|day| day.sessions).sum();
    let active = days[days.len() - 1 - idle];
    let idle_days = i64::try_from(idle).expect("a few hundred days at most");
    // The longer away and the fewer the visits before, the likelier the user is gone.
    let leaning = 0.15 * idle as f64 - 0.1 * f64::from(visits) - 0.5;
    Row {
        user: user_key(user),
        avg_session_duration: cents(seconds / f64::from(sessions.max(1))),
        page_views_7d: week.iter().map(|day| i64::from(day.views)).sum(),
        purchases_30d: month.iter().map(|day| i64::from(day.orders)).sum(),
        avg_order_value: (orders > 0).then(|| cents(spent / f64::from(orders))),
        preferred_category: CATEGORIES[most(days, |day| &day.categories)],
        device: DEVICES[most(days, |day| &day.devices)],
        last_activity,
        last_activity_days_ago: idle_days,
        session_seconds: active.seconds / f64::from(active.sessions.max(1)),
        churn_risk: (1e4 / (1.0 + (-leaning).exp())).round() / 1e4,
        event,
        created: written_after(draws, event),
    }
}

fn tail(days: &[Day], length: usize) -> &[Day] {
    &days[days.len().saturating_sub(length)..]
}

/// Index with the largest sum over the days.
fn most<const N: usize>(days: &[Day], counts: impl Fn(&Day) -> &[u32; N]) -> usize {
    let sum = |index: usize| days.iter().map(|day| counts(day)[index]).sum::<u32>();
    (0..N).max_by_key(|&index| sum(index)).unwrap_or_default()
}

/// The same row written an hour later with an order that had been missing: readers must take this one.
fn corrected(row: &Row) -> Row {
    Row {
        purchases_30d: row.purchases_30d + 1,
        created: row.created.plus(std::time::Duration::from_hours(1)),
        ..row.clone()
    }
}

impl Row {
    #[expect(clippy::cast_possible_truncation, reason = "seconds of a visit")]
    fn session_millis(&self) -> i64 {
        (self.session_seconds * 1_000.0) as i64
    }
}

fn millis(time: Timestamp) -> i64 {
    time.micros().div_euclid(1_000)
}

/// Writes a visit for every day of a user on which there was one; see [`super::generate`].
pub(super) fn write_sessions(rows: &[Row], path: &Path) -> Result<usize> {
    let visits = || rows.iter().filter(|row| row.last_activity_days_ago == 0);
    let end = |row: &Row| millis(row.last_activity);
    // Of seven days, as if they were alike.
    let views = |row: &Row| 1 + row.page_views_7d / 7;
    Columns::default()
        .text("sessionId", visits().map(|row| format!("{}-{}", row.user, end(row) / 86_400_000)))
        .text("userId", visits().map(|row| &row.user))
        .integer("start", visits().map(|row| end(row) - row.session_millis()))
        .integer("end", visits().map(end))
        .integer("duration", visits().map(Row::session_millis))
        .integer("pageViews", visits().map(views))
        .integer("clicks", visits().map(|row| views(row) / 2))
        .integer("uniquePages", visits().map(|row| 1 + views(row) / 3))
        .boolean("hasConversion", visits().map(|row| row.purchases_30d > 0))
        .time("event_timestamp", visits().map(|row| row.last_activity))
        .time("created", visits().map(|row| row.created))
        .write(path)
}

/// Writes the rows; see [`super::generate`].
pub(super) fn write(rows: &[Row], path: &Path) -> Result<usize> {
    Columns::default()
        .text("user_id", rows.iter().map(|row| &row.user))
        .float("avg_session_duration", rows.iter().map(|row| Some(row.avg_session_duration)))
        .integer("total_page_views_7d", rows.iter().map(|row| row.page_views_7d))
        .integer("total_purchases_30d", rows.iter().map(|row| row.purchases_30d))
        .float("avg_order_value", rows.iter().map(|row| row.avg_order_value))
        .text("preferred_category", rows.iter().map(|row| row.preferred_category))
        .text("device_type", rows.iter().map(|row| row.device))
        .integer("last_activity", rows.iter().map(|row| millis(row.last_activity)))
        .integer("last_activity_days_ago", rows.iter().map(|row| row.last_activity_days_ago))
        .integer("session_length", rows.iter().map(Row::session_millis))
        .float("churn_risk_score", rows.iter().map(|row| Some(row.churn_risk)))
        .time("event_timestamp", rows.iter().map(|row| row.event))
        .time("created", rows.iter().map(|row| row.created))
        .write(path)
}
