// The destination of text: a terminal, a pipe or a file; tests replace it.

export interface Output {
  write(text: string): void
  readonly isTTY: boolean
  /** Size of the terminal in characters; 80 by 24 where there is none. */
  readonly columns: number
  readonly rows: number
}
