"""Writes the café's web site, FTP area and the servers' configuration files into a folder (first argument)."""

import os
import pathlib
import struct
import sys
import zlib

work = pathlib.Path(sys.argv[1])
MTIME = 1767261600  # 2026-01-01 10:00 UTC: makes nginx's ETag and Last-Modified the same in every making

HTML = """<!doctype html>
<html lang="en">
<head>
  <meta charset="utf-8">
  <title>Café Test, Harbour Street 12</title>
  <link rel="stylesheet" href="/style.css">
  <script src="/menu.js" defer></script>
</head>
<body>
  <header><img src="/logo.png" alt="A cup" width="48" height="48"><h1>Café Test</h1></header>
  <p>Good morning! We bake at five and open at seven. Ingrid makes the coffee, Tomasz the cakes,
     and Noor keeps the books and this page.</p>
  <section id="today"><h2>Today</h2><p>Loading what Tomasz baked ...</p></section>
  <p><img src="/oven.png" alt="Our oven at five in the morning" width="220" height="140"></p>
  <section><h2>Find us</h2>
    <ul>
      <li>Harbour Street 12, behind the old crane</li>
      <li>Monday to Saturday, seven to six</li>
      <li>Dogs are welcome, bagpipes on request</li>
    </ul>
  </section>
  <form action="/order" method="post">
    <label>Your name <input name="name"></label>
    <label>Cake <input name="cake"></label>
    <label>Note <input name="note"></label>
    <button>Keep one for me</button>
  </form>
  <footer>Every page, price and person here is invented.</footer>
</body>
</html>
"""
CSS = """:root { --cream: #fbf5e9; --coffee: #4b2e1f; }
body { font: 16px/1.5 Georgia, serif; background: var(--cream); color: var(--coffee); max-width: 40rem; margin: auto; }
header { display: flex; gap: 1rem; align-items: center; }
form label { display: block; margin: .5rem 0; }
button { border: 0; padding: .5rem 1rem; background: var(--coffee); color: var(--cream); }
"""
JS = """// Shows what is in the oven today.
async function today() {
  const answer = await fetch('/api/today');
  const { cakes, soup } = await answer.json();
  const box = document.querySelector('#today p');
  box.textContent = cakes.map(c => `${c.name} (${c.left} left)`).join(', ') + '. Soup: ' + soup + '.';
}
today();
// Served from <!--#echo var="host" -->
"""
FILES = {
    "www/index.html": HTML,
    "www/style.css": CSS,
    "www/menu.js": JS,
    "www/menu.html": "<!doctype html><title>Menu</title><h1>Menu</h1><p>Espresso 2.10, Cappuccino 3.20, Plum cake 3.80</p>\n",
    "www/hours.txt": "Monday to Saturday: 07:00 to 18:00\nSunday: closed, we sleep\n",
    "www/thanks.html": "<!doctype html><title>Thanks</title><p>We keep one for you until noon.</p>\n",
    "www/404.html": "<!doctype html><title>Not here</title><h1>Sold out</h1><p>This page was eaten.</p>\n",
    "www/recipe.txt": "".join(f"Line {n:2d}: fold the dough, wait ten minutes, drink a coffee.\n" for n in range(1, 21)),
    "www/private/orders.html": "<!doctype html><title>Orders</title><ul><li>Mara: plum cake</li><li>Idris: two rolls</li></ul>\n",
    "ftp/pub/menu.txt": "Espresso 2.10\r\nCappuccino 3.20\r\nPlum cake 3.80\r\nSoup of the day 5.50\r\n",
    "ftp/pub/README": "Noor leaves price lists here. Put photos into ../incoming.\r\n",
}


def png(width, height, colour, palette, rows):
    """A PNG file of 8 bits a channel; rows carry their filter bytes."""
    def chunk(kind, data):
        return struct.pack("!I", len(data)) + kind + data + struct.pack("!I", zlib.crc32(kind + data))

    head = struct.pack("!IIBBBBB", width, height, 8, colour, 0, 0, 0)
    out = b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + (chunk(b"PLTE", palette) if palette else b"")
    return out + chunk(b"IDAT", zlib.compress(rows, 9)) + chunk(b"IEND", b"")


def cup():
    """A 48 x 48 palette PNG of a cup."""
    rows = bytearray()
    for y in range(48):
        rows.append(0)
        for x in range(48):
            body = 14 <= y < 38 and 10 + (y - 14) // 6 <= x < 34 - (y - 14) // 6
            ring = 18 <= y < 30 and 16 <= (x - 33) ** 2 + (y - 24) ** 2 < 49 and x >= 33
            steam = y < 12 and (x + (1 if y % 6 < 3 else -1)) in (16, 22, 28)
            rows.append(2 if steam else 1 if body or ring else 3 if 40 <= y < 42 and 6 <= x < 40 else 0)
    return png(48, 48, 3, bytes.fromhex("fbf5e94b2e1fc9b79c8a6a4f"), bytes(rows))


def oven():
    """A 220 x 140 truecolour PNG: an oven's glow with grain, so that it compresses badly and needs many segments."""
    rows, grain = bytearray(), 7
    for y in range(140):
        rows.append(0)
        for x in range(220):
            grain = (grain * 1103515245 + 12345) & 0x7FFFFFFF
            heat = max(0, 255 - ((x - 110) ** 2 // 40 + (y - 80) ** 2 // 16)) + (grain >> 16) % 24
            rows += bytes([min(255, 40 + heat), min(255, heat // 2 + 20), heat // 8])
    return png(220, 140, 2, b"", bytes(rows))


for name, text in FILES.items():
    p = work / name
    p.parent.mkdir(parents=True, exist_ok=True)
    p.write_text(text, encoding="utf-8", newline="")
    os.utime(p, (MTIME, MTIME))
for name, data in (("logo.png", cup()), ("oven.png", oven())):
    (work / "www" / name).write_bytes(data)
    os.utime(work / "www" / name, (MTIME, MTIME))
(work / "ftp/incoming").mkdir()
os.chmod(work / "ftp/incoming", 0o777)
(work / "empty").mkdir()

(work / "dnsmasq.conf").write_text("""no-resolv
no-hosts
user=root
bind-interfaces
interface=wifi0
except-interface=lo
local-ttl=300
auth-ttl=300
pid-file
local=/cafe.test/
host-record=www.cafe.test,192.0.2.80,2001:db8:2::80
host-record=mail.cafe.test,192.0.2.90
host-record=files.cafe.test,192.0.2.100
cname=api.cafe.test,www.cafe.test
cname=menu.cafe.test,www.cafe.test
mx-host=cafe.test,mail.cafe.test,10
txt-record=cafe.test,"v=spf1 ip4:192.0.2.90 -all","Fresh rolls from seven"
srv-host=_submission._tcp.cafe.test,mail.cafe.test,25,0,1
local-service
""")
(work / "nginx.conf").write_text(f"""daemon off;
worker_processes 1;
pid {work}/nginx.pid;
error_log {work}/nginx.log;
events {{ worker_connections 64; }}
http {{
  access_log off;
  server_tokens off;
  client_body_temp_path {work}/t1; proxy_temp_path {work}/t2; fastcgi_temp_path {work}/t3;
  uwsgi_temp_path {work}/t4; scgi_temp_path {work}/t5;
  types {{ text/html html; text/css css; application/javascript js; image/png png; text/plain txt; }}
  charset utf-8;
  gzip on; gzip_min_length 600; gzip_types text/css; gzip_vary on;
  server {{
    listen 192.0.2.80:80;
    listen [2001:db8:2::80]:80;
    listen 192.0.2.80:443 ssl;
    server_name www.cafe.test api.cafe.test;
    root {work}/www;
    ssl_certificate {work}/www.crt;
    ssl_certificate_key {work}/www.key;
    ssl_protocols TLSv1.3;
    error_page 404 /404.html;
    location = / {{ try_files /index.html =404; add_header Set-Cookie "visit=first; Path=/; SameSite=Lax"; }}
    location = /menu.js {{ ssi on; ssi_types application/javascript; }}
    location = /old-menu {{ return 301 /menu.html; }}
    location /private/ {{ if ($scheme = http) {{ return 403; }} }}
    location /api/ {{ proxy_pass http://127.0.0.1:9000; proxy_http_version 1.1; }}
    location = /order {{ proxy_pass http://127.0.0.1:9000; }}
    location = /chat {{
      proxy_pass http://127.0.0.1:9001; proxy_http_version 1.1;
      proxy_set_header Upgrade $http_upgrade; proxy_set_header Connection upgrade; proxy_set_header Host $host;
    }}
  }}
}}
""")
(work / "vsftpd.conf").write_text(f"""listen=YES
listen_address=192.0.2.100
background=NO
anonymous_enable=YES
local_enable=NO
write_enable=YES
anon_upload_enable=YES
anon_umask=022
anon_root={work}/ftp
no_anon_password=NO
connect_from_port_20=YES
ftpd_banner=Files of Cafe Test. Say hello as anonymous.
pasv_min_port=40000
pasv_max_port=40100
seccomp_sandbox=NO
secure_chroot_dir={work}/empty
use_localtime=NO
""")
