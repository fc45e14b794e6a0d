// How protocol values look in TypeScript. One mapping, used by every declaration, the codec and their users.
//
//   Kafka             TypeScript
//   bool              boolean
//   int8…int32, uint16  number
//   int64             bigint
//   float64           number
//   string            string (nullable: string | null)
//   uuid              string, 22 characters, URL-safe base64 as Kafka prints it
//   bytes             Buffer (nullable: Buffer | null); when read, a view of the frame
//   records           Buffer | readonly Buffer[] | null when written, Buffer | null when read (a view, not a copy)
//   []T               T[] (nullable: T[] | null)
//   struct            object; property names are Kafka's field names with a small first letter
//
// A field that a version does not carry reads as its default; a property that is absent when written counts as its
// default. Tagged fields are ordinary properties.
export type Uuid = string

/** The uuid that means "none". */
export const zeroUuid: Uuid = 'AAAAAAAAAAAAAAAAAAAAAA'
