/** A list of callbacks: all that a store needs in order to say "I changed" to any framework. */
export class Signal<T = void> {
  private readonly listeners = new Set<(value: T) => void>();

  /** Returns the function that removes the listener. */
  on(listener: (value: T) => void): () => void {
    this.listeners.add(listener);
    return () => void this.listeners.delete(listener);
  }

  emit(value: T): void {
    for (const listener of [...this.listeners]) listener(value);
  }
}
