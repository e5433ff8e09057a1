/**
 * Which gateway to open next. The client library never leaves the address that it was first given, so
 * it is handed a WebSocket class that picks the address itself: the same one after a connection that
 * had worked, the next one after an attempt that had not.
 */
export class Gateways {
  private addresses: string[];
  private index = 0;
  private tried = 0;
  private proven = true;

  /** `onRoundFailed`: every address failed in turn; perhaps the list is out of date. */
  constructor(
    addresses: string[],
    private readonly onRoundFailed: () => void = () => {},
  ) {
    this.addresses = [...addresses];
  }

  get current(): string {
    return this.addresses[this.index % Math.max(1, this.addresses.length)] ?? '';
  }

  /** The connection answered: come back here first when it is lost. */
  confirm(): void {
    this.proven = true;
    this.tried = 0;
  }

  /** This gateway asked us to leave (it is shutting down). */
  abandon(): void {
    this.proven = false;
  }

  replace(addresses: string[]): void {
    if (addresses.length === 0 || addresses.join() === this.addresses.join()) return;
    this.addresses = [...addresses];
    this.index = 0;
  }

  /** The address for the next attempt, judged by how the last one went. */
  next(): string {
    if (!this.proven) this.advance();
    this.proven = false;
    return this.current;
  }

  /** To be given to the library as its `websocket`. */
  webSocketClass(): new (ignored: string, protocols?: string | string[]) => WebSocket {
    const gateways = this;
    const opened = function (_ignored: string, protocols?: string | string[]): WebSocket {
      const socket = new WebSocket(gateways.next(), protocols);
      socket.addEventListener('close', (event) => {
        if (event.code === 3001) gateways.abandon();
      });
      return socket;
    };
    return opened as unknown as new (ignored: string, protocols?: string | string[]) => WebSocket;
  }

  private advance(): void {
    this.index = (this.index + 1) % Math.max(1, this.addresses.length);
    if (++this.tried % this.addresses.length === 0) this.onRoundFailed();
  }
}
