// The lines of a metric, as bytes. They are encoded a part at a time: as one string, those of a large cluster would be in memory once
// more while they grow, once more when they are encoded, and hold up the event loop.

/** Characters of a part: strings of this length live and die in the young generation of V8's heap, which costs little. */
const partCharacters = 32 * 1024

export class Lines {
  readonly #parts: Buffer[] = []
  #text = ''

  /** @param text whole characters; a line may come in several calls */
  add(text: string): void {
    this.#text += text
    if (this.#text.length >= partCharacters) this.#encode()
  }

  /** All that was added, as UTF-8. */
  parts(): readonly Buffer[] {
    if (this.#text !== '') this.#encode()
    return this.#parts
  }

  #encode(): void {
    this.#parts.push(Buffer.from(this.#text))
    this.#text = ''
  }
}
