// Where text is written: a terminal, a pipe or a file; a test puts its own in its place.

export interface Output {
  write(text: string): void
  readonly isTTY: boolean
  /** Size of the terminal in characters; 80 by 24 where there is none. */
  readonly columns: number
  readonly rows: number
}
