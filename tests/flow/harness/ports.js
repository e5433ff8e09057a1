import net from 'node:net';

const given = new Set();

/**
 * `count` neighbouring ports that nobody listens on. Taken below the range from which the kernel
 * gives outgoing connections theirs, so that a server can come back to its port.
 */
export async function freePorts(count = 1) {
  for (;;) {
    const first = 15_000 + Math.floor(Math.random() * 16_000);
    const ports = Array.from({ length: count }, (_, i) => first + i);
    if (ports.some((port) => given.has(port))) continue;
    const free = await Promise.all(ports.map(isFree));
    if (!free.every(Boolean)) continue;
    for (const port of ports) given.add(port);
    return ports;
  }
}

export async function freePort() {
  return (await freePorts(1))[0];
}

function isFree(port) {
  return new Promise((resolve) => {
    const server = net.createServer();
    server.once('error', () => resolve(false));
    server.listen({ port, host: '127.0.0.1', exclusive: true }, () => server.close(() => resolve(true)));
  });
}
