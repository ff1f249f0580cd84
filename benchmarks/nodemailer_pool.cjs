// nodemailer's own pool of ten connections with the same letter, as its manual shows it.
// node nodemailer_pool.cjs PORT LETTERS PARTS.json     (NODE_PATH names the folder with nodemailer)
const fs = require("fs");
const nodemailer = require("nodemailer");

const [port, letters, file] = process.argv.slice(2);
const { text, html, headers, slots, values, dkim } = JSON.parse(fs.readFileSync(file, "utf8"));
const fill = (words, reader) =>
  slots.reduce((all, slot, i) => all.split(slot).join(values[reader % values.length][i]), words);

const transport = nodemailer.createTransport({
  host: "127.0.0.1", port: Number(port), pool: true, maxConnections: 10, maxMessages: Infinity,
  secure: false, ignoreTLS: true, ...(dkim ? { dkim } : {}),
});

const message = (reader) => ({
  from: headers.From, to: fill(headers.To, reader), replyTo: headers["Reply-To"], subject: headers.Subject,
  text: fill(text, reader), html: fill(html, reader), textEncoding: "quoted-printable",
  headers: {
    "List-Id": headers["List-Id"],
    "List-Unsubscribe": { prepared: true, value: fill(headers["List-Unsubscribe"], reader) },
    "List-Unsubscribe-Post": headers["List-Unsubscribe-Post"],
    Precedence: "bulk",
  },
});

(async () => {
  const start = process.hrtime.bigint();
  let next = 0;
  const feed = async () => { while (next < Number(letters)) await transport.sendMail(message(next++)); };
  await Promise.all(Array.from({ length: 20 }, feed)); // more than connections, so that none ever waits for us
  console.log(JSON.stringify({ seconds: Number(process.hrtime.bigint() - start) / 1e9 }));
  transport.close();
})();
