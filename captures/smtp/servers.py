"""Writes what Postfix and Dovecot need to run in a folder of their own: servers.py FOLDER."""

import os
import pathlib
import pwd
import sys

work = pathlib.Path(sys.argv[1])
user = pwd.getpwnam("dovenull")
for name in ("postfix", "queue", "data", "mail", "run", "state"):
    (work / name).mkdir(exist_ok=True)
mail = pwd.getpwnam("mail")
os.chown(work / "mail", mail.pw_uid, mail.pw_gid)
os.chown(work / "data", pwd.getpwnam("postfix").pw_uid, 0)
(work / "users").write_text("emma:{PLAIN}tea4two::::::\nbob:{PLAIN}biscuit::::::\n")
(work / "dovecot.conf").write_text(f"""
protocols = imap pop3 lmtp
listen = 192.0.2.25
base_dir = {work}/run
state_dir = {work}/state
log_path = {work}/dovecot.log
ssl = yes
ssl_cert = <{work}/mail.crt
ssl_key = <{work}/mail.key
disable_plaintext_auth = no
auth_mechanisms = plain login cram-md5 scram-sha-256
auth_username_format = %n
mail_location = maildir:{work}/mail/%n
first_valid_uid = 1
passdb {{
  driver = passwd-file
  args = username_format=%n {work}/users
}}
userdb {{
  driver = static
  args = uid={mail.pw_uid} gid={mail.pw_gid} home={work}/mail/%n
}}
service lmtp {{
  inet_listener lmtp {{
    port = 24
  }}
}}
service auth {{
  unix_listener {work}/queue/auth {{
    mode = 0666
  }}
}}
service stats {{
  unix_listener stats-writer {{
    mode = 0666
  }}
}}
""")
(work / "postfix" / "main.cf").write_text(f"""
compatibility_level = 3.6
myhostname = mail.cafe.test
mydestination =
inet_interfaces = 192.0.2.25
inet_protocols = ipv4
queue_directory = {work}/queue
data_directory = {work}/data
maillog_file = /var/log/wl-postfix.log
virtual_mailbox_domains = cafe.test
virtual_transport = lmtp:inet:192.0.2.25:24
virtual_mailbox_maps = static:all
smtpd_reject_unlisted_recipient = no
smtpd_recipient_restrictions = permit_sasl_authenticated, reject_unauth_destination, check_recipient_access inline:{{nobody@cafe.test=reject}}
smtpd_relay_restrictions =
smtpd_sasl_auth_enable = yes
smtpd_sasl_type = dovecot
smtpd_sasl_path = auth
smtpd_tls_security_level = may
smtpd_tls_cert_file = {work}/mail.crt
smtpd_tls_key_file = {work}/mail.key
smtpd_discard_ehlo_keywords =
smtpd_peername_lookup = no
alias_maps =
alias_database =
""")
(work / "postfix" / "master.cf").write_text("""
smtp       inet n - n - - smtpd
submission inet n - n - - smtpd
smtps      inet n - n - - smtpd -o smtpd_tls_wrappermode=yes
pickup     unix n - n 60 1 pickup
cleanup    unix n - n - 0 cleanup
qmgr       unix n - n 300 1 qmgr
tlsmgr     unix - - n 1000? 1 tlsmgr
rewrite    unix - - n - - trivial-rewrite
bounce     unix - - n - 0 bounce
defer      unix - - n - 0 bounce
trace      unix - - n - 0 bounce
flush      unix n - n 1000? 0 flush
proxymap   unix - - n - - proxymap
smtp       unix - - n - - smtp
lmtp       unix - - n - - lmtp
error      unix - - n - - error
retry      unix - - n - - error
discard    unix - - n - - discard
anvil      unix - - n - 1 anvil
scache     unix - - n - 1 scache
postlog    unix-dgram n - n - 1 postlogd
""")
