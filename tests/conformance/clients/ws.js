// A scenario with npm's ws: node ws.js URL, steps on stdin as a JSON list, what happened on stdout, one JSON a line.
import fs from 'node:fs';
import { once } from 'node:events';
import WebSocket from 'ws';

const tell = (what) => process.stdout.write(`${JSON.stringify(what)}\n`);
const socket = new WebSocket(process.argv[2], 'centrifuge-json', { perMessageDeflate: false });
let heard = 0;

socket.on('message', (data) => {
  for (const line of data.toString().split('\n')) tell({ message: line });
  heard += data.toString().split('\n').length;
  socket.emit('heard');
});
socket.on('pong', (data) => tell({ pong: data.toString() }));
socket.on('close', (code, reason) => tell({ closed: [code, reason.toString()] }));

const steps = {
  send({ text, binary = false, fragment = text.length }) {
    for (let at = 0; at < text.length; at += fragment)
      socket.send(text.slice(at, at + fragment), { binary, fin: at + fragment >= text.length });
  },
  async ping({ payload }) {
    socket.ping(payload);
    await once(socket, 'pong');
  },
  async hear({ lines }) {
    while (heard < lines) await once(socket, 'heard');
  },
  close: ({ code, reason }) => socket.close(code, reason),
  closed() {},
};

await once(socket, 'open');
tell({ protocol: socket.protocol });
for (const step of JSON.parse(fs.readFileSync(0, 'utf8'))) await steps[step.do](step);
if (socket.readyState !== WebSocket.CLOSED) await once(socket, 'close');
