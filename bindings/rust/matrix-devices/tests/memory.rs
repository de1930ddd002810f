//! What is opened and closed leaves nothing behind.

mod double;

use double::*;

fn resident_bytes() -> usize {
    let sizes = std::fs::read_to_string("/proc/self/statm").expect("this is Linux");
    sizes
        .split(' ')
        .nth(1)
        .and_then(|pages| pages.parse().ok())
        .map_or(0, |pages: usize| pages * 4096)
}

#[tokio::test]
async fn opening_asking_and_closing_leaves_memory_flat() {
    let mut after_1000 = 0;
    for round in 1..=10_000 {
        let double = Double::default();
        let instance = serve(&double);
        assert_eq!(read(ask(&instance, "GET", DEVICES, "").await).0, 200);
        instance.shutdown().await;
        drop(instance);
        if round == 1_000 {
            after_1000 = resident_bytes();
        }
    }
    let grown = resident_bytes().saturating_sub(after_1000);
    println!("grown by {grown} bytes between 1,000 and 10,000 rounds");
    assert!(grown <= 1 << 20, "grown by {grown} bytes");
}
