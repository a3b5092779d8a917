//! Several sources in one tab: a capture on an interface and the proxy beside it; rows that come leave the selection alone.

use crate::demo::Demo;
use crate::kit::{Window, prefs, settle, shot, window_live};
use crate::proxied::Starter;
use egui::{Key, Modifiers};
use egui_kittest::kittest::Queryable as _;
use std::path::Path;
use std::sync::{Arc, Mutex};
use wirelore_kit::Problem;
use wirelore_window::door::{Bench, CaptureState, CaptureWish, FilterWrong, Interface, LiveCapture, Refusal};
use wirelore_window::{Captured, Interfaces, Waker, Watched};

/// Interfaces that are only told of.
struct Told {
    did: Arc<Mutex<Vec<String>>>,
}

struct Sniffed {
    name: String,
    running: Mutex<bool>,
    did: Arc<Mutex<Vec<String>>>,
}

impl Captured for Sniffed {
    fn state(&self) -> CaptureState {
        CaptureState {
            running: *self.running.lock().expect("state"),
            packets: 120,
            recorded: 84_000,
            dropped: u64::from(self.name == "eth0") * 3,
            file: "/captures/live.pcapng".into(),
            trouble: None,
        }
    }
    fn stop(&self) {
        *self.running.lock().expect("state") = false;
        self.did.lock().expect("did").push(format!("stop {}", self.name));
    }
    fn restart(&self) -> Result<(), Refusal> {
        *self.running.lock().expect("state") = true;
        self.did.lock().expect("did").push(format!("go on {}", self.name));
        Ok(())
    }
    fn save(&self, _: &Path) -> Result<(), Problem> {
        Ok(())
    }
}

impl Told {
    fn begin(&self, how: &str, wish: &CaptureWish) -> Arc<dyn Captured> {
        let name = wish.interfaces.join(", ");
        self.did.lock().expect("did").push(format!("{how} {name}"));
        Arc::new(Sniffed { name, running: Mutex::new(true), did: self.did.clone() })
    }
}

impl Interfaces for Told {
    fn list(&self) -> Result<Vec<Interface>, Refusal> {
        let one = |name: &str, address: &str| Interface {
            name: name.into(),
            addresses: vec![address.into()],
            up: true,
            running: true,
            ..Interface::default()
        };
        Ok(vec![one("eth0", "192.0.2.10"), one("lo", "127.0.0.1")])
    }
    fn watch(&self, _: Waker) -> Result<Box<dyn Watched>, Refusal> {
        struct Flat;
        impl Watched for Flat {
            fn rates(&self, _: &str) -> Vec<f32> {
                vec![2.0, 9.0, 4.0, 12.0, 7.0]
            }
        }
        Ok(Box::new(Flat))
    }
    fn check(&self, _: &str) -> Result<(), FilterWrong> {
        Ok(())
    }
    fn start(&self, wish: &CaptureWish, _: Waker) -> Result<LiveCapture, Refusal> {
        Ok((Box::new(Demo::live(120)), self.begin("start", wish)))
    }
    fn join(&self, _: &Bench, wish: &CaptureWish, _: Waker) -> Result<Arc<dyn Captured>, Refusal> {
        Ok(self.begin("join", wish))
    }
}

fn begin(dark: bool) -> (Window, Arc<Mutex<Vec<String>>>) {
    let did = Arc::new(Mutex::new(Vec::new()));
    let interfaces = Arc::new(Told { did: did.clone() });
    let mut h = window_live([1280.0, 760.0], prefs(dark), Some(Arc::new(Starter::default())), Some(interfaces));
    wait(&mut h, "Interface lo: 127.0.0.1");
    h.get_by_label("Interface lo: 127.0.0.1").click();
    h.run_steps(2);
    h.get_by_label("Start capture").click();
    settle(&mut h);
    (h, did)
}

/// Runs frames until this is shown: lists of interfaces come from a thread.
fn wait(h: &mut Window, label: &str) {
    for _ in 0..400 {
        h.run_steps(1);
        if h.query_by_label(label).is_some() {
            return;
        }
        std::thread::sleep(std::time::Duration::from_millis(5));
    }
    panic!("{label} does not come");
}

fn add(h: &mut Window) {
    h.key_press_modifiers(Modifiers { shift: true, command: true, ..Modifiers::NONE }, Key::A);
    h.run_steps(4);
}

fn add_eth0(h: &mut Window) {
    add(h);
    wait(h, "Interface eth0: 192.0.2.10");
    h.get_by_label("Interface eth0: 192.0.2.10").click();
    h.run_steps(3);
    h.get_by_label("Start capture").click();
    settle(h);
}

#[test]
fn an_interface_and_the_proxy_join_a_capture_and_each_is_stopped_by_itself() {
    let (mut h, did) = begin(true);
    add_eth0(&mut h);
    add(&mut h);
    h.get_by_label("Start proxy here").click();
    settle(&mut h);
    h.get_by_label_contains("Proxy :8080");
    h.get_by_label("Capture on eth0: 120 packets, 3 dropped").click();
    h.run_steps(4);
    h.get_by_label("Stop").click();
    settle(&mut h);
    h.get_by_label("Capture on eth0: stopped");
    h.get_by_label("Capture on lo: 120 packets, 0 dropped");
    assert_eq!(*did.lock().expect("did"), ["start lo", "join eth0", "stop eth0"]);
    h.key_press_modifiers(Modifiers::COMMAND, Key::E);
    settle(&mut h);
    assert_eq!(did.lock().expect("did").last().map(String::as_str), Some("stop lo"));
}

#[test]
fn rows_that_come_leave_the_selection_where_it_is() {
    let (mut h, _) = begin(true);
    h.get_by_label_contains("Packet 14: ").click();
    settle(&mut h);
    let selected = |h: &Window| h.state().tab().and_then(|t| t.selection.packet);
    let rows = |h: &Window| h.state().tab().map_or(0, |t| t.listing().len(&t.snap));
    assert_eq!((selected(&h), rows(&h)), (Some(13), 120));
    let top = h.state().tab().map(|t| t.packet_list.top);
    Demo::grow(300);
    settle(&mut h);
    std::thread::sleep(std::time::Duration::from_millis(200));
    settle(&mut h);
    assert_eq!(rows(&h), 300);
    assert_eq!(selected(&h), Some(13));
    assert_eq!(h.state().tab().map(|t| t.packet_list.top), top);
}

#[test]
fn sources_dark() {
    let (mut h, _) = begin(true);
    add_eth0(&mut h);
    add(&mut h);
    shot(&mut h, "sources-dark");
}
