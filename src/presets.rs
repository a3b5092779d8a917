//! Hosts that many people want passed through unopened, by what they are about. The lists are short and name the best known: a switch
//! that says what it does, not a promise to know every bank.

use clap::ValueEnum;

/// A list.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Preset {
    /// Banks and payment.
    Banking,
    /// Health.
    Health,
    /// Services whose programs trust nobody but themselves (pinning).
    Pinned,
}

const BANKING: &[&str] = &[
    "americanexpress.com",
    "bankofamerica.com",
    "barclays.co.uk",
    "bbva.es",
    "bnpparibas.com",
    "capitalone.com",
    "chase.com",
    "citi.com",
    "commerzbank.de",
    "credit-agricole.fr",
    "deutsche-bank.de",
    "dkb.de",
    "fidelity.com",
    "hsbc.co.uk",
    "hsbc.com",
    "ing.com",
    "ing.de",
    "intesasanpaolo.com",
    "klarna.com",
    "lloydsbank.co.uk",
    "mastercard.com",
    "monzo.com",
    "n26.com",
    "natwest.com",
    "paypal.com",
    "postbank.de",
    "rbc.com",
    "revolut.com",
    "santander.com",
    "schwab.com",
    "societegenerale.fr",
    "sparkasse.de",
    "td.com",
    "ubs.com",
    "unicreditgroup.eu",
    "usbank.com",
    "vanguard.com",
    "visa.com",
    "wellsfargo.com",
    "wise.com",
];

const HEALTH: &[&str] = &[
    "ameli.fr",
    "anthem.com",
    "aok.de",
    "cigna.com",
    "doctolib.de",
    "doctolib.fr",
    "gematik.de",
    "kaiserpermanente.org",
    "mayoclinic.org",
    "medicare.gov",
    "mychart.com",
    "nhs.uk",
    "quest.com",
    "questdiagnostics.com",
    "teladoc.com",
    "tk.de",
    "uhc.com",
    "webmd.com",
];

const PINNED: &[&str] = &[
    "apps.apple.com",
    "gs.apple.com",
    "icloud.com",
    "identity.apple.com",
    "mzstatic.com",
    "push.apple.com",
    "signal.org",
    "update.microsoft.com",
    "whatsapp.net",
    "windowsupdate.com",
];

impl Preset {
    /// The names on it; what stands below one is meant too.
    #[must_use]
    pub fn hosts(self) -> &'static [&'static str] {
        match self {
            Preset::Banking => BANKING,
            Preset::Health => HEALTH,
            Preset::Pinned => PINNED,
        }
    }

    /// Whether a host is on it.
    #[must_use]
    pub fn has(self, host: &str) -> bool {
        let host = host.trim_end_matches('.');
        self.hosts().iter().any(|name| {
            let cut = host.len().checked_sub(name.len());
            cut.and_then(|at| host.get(at..)).is_some_and(|end| end.eq_ignore_ascii_case(name))
                && cut.is_none_or(|at| at == 0 || host.as_bytes().get(at.saturating_sub(1)) == Some(&b'.'))
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_host_and_those_below_it_are_meant_and_no_others() {
        for good in ["paypal.com", "www.PayPal.com", "a.b.paypal.com."] {
            assert!(Preset::Banking.has(good), "{good}");
        }
        for bad in ["notpaypal.com", "paypal.com.example", "com", ""] {
            assert!(!Preset::Banking.has(bad), "{bad}");
        }
        for preset in Preset::value_variants() {
            assert!(preset.hosts().is_sorted(), "{preset:?}");
        }
    }
}
