// Bytes that Apache Kafka's own Java code (kafka-clients 4.4.0, `MemoryRecords` and `Utils.murmur2`) produced.

/**
 * One batch a codec: base offset 42, producer 9, epoch 3, sequence 17, leader epoch 5, four records 7 ms apart from
 * 1700000000000 on; the second has no key, the third no value, the fourth a header without a value.
 */
export const javaBatches = {
  none:
    'AAAAAAAAACoAAAEDAAAABQJJk1YjAAAAAAADAAABi8/laAAAAAGLz+VoFQAAAAAAAAAJAAMAAAARAAAABIIBAAAACmtleS0wYHZh' +
    'bHVlLTAteHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eAIEaDAEdjB4AA4CAWB2YWx1ZS0xLXh4eHh4eHh4' +
    'eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHgCBGgxBHYxIgAcBAprZXktMgECBGgyBHYyfgAqBgprZXktM2B2YWx1ZS0z' +
    'LXh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHgCBGgzAQ==',
  gzip:
    'AAAAAAAAACoAAACNAAAABQIWPCLaAAEAAAADAAABi8/laAAAAAGLz+VoFQAAAAAAAAAJAAMAAAARAAAABB+LCAAAAAAAAP9rYmRg' +
    'YODKTq3UNUgoS8wpTdU10K0gEjCxZBiwlBlUMPAxMUI1G5Ki2ZClzFCJQYYFbL0RI1DEiKXMqI5Biw0sYgw105gUM40ZAY36zZPS' +
    'AAAA',
  snappy:
    'AAAAAAAAACoAAACbAAAABQJEFP+GAAIAAAADAAABi8/laAAAAAGLz+VoFQAAAAAAAAAJAAMAAAARAAAABIJTTkFQUFkAAAAAAQAA' +
    'AAEAAABW0gFQggEAAAAKa2V5LTBgdmFsdWUtMC14mgEALAIEaDAEdjB4AA4CAQ09ADGuPQAcMQR2MSIAHAQFfzAyAQIEaDIEdjJ+' +
    'ACoGBRIAMw1UADOuVAAEMwE=',
  lz4:
    'AAAAAAAAACoAAACYAAAABQJPN9PbAAMAAAADAAABi8/laAAAAAGLz+VoFQAAAAAAAAAJAAMAAAARAAAABAQiTRhgQIJYAAAA/waC' +
    'AQAAAAprZXktMGB2YWx1ZS0wLXgBABTDAgRoMAR2MHgADgIBPQAfMT0AGYExBHYxIgAcBH8A0TIBAgRoMgR2Mn4AKgYSABMzVAAf' +
    'M1QAFlACBGgzAQAAAAA=',
  zstd:
    'AAAAAAAAACoAAACNAAAABQIkiWgpAAQAAAADAAABi8/laAAAAAGLz+VoFQAAAAAAAAAJAAMAAAARAAAABCi1L/0AWIQCALQDggEA' +
    'AAAKa2V5LTBgdmFsdWUtMC14AgRoMAR2MHgADgIBMTEEdjEiABwEMgECBGgyBHYyfgAqBjMzMwEHAIGRK7irRr7gXRwYBgSXVoI7' +
    'AQAA',
} as const

/** A commit marker: offset 7, timestamp 1234, producer 9, epoch 3, coordinator epoch 5, leader epoch 3. */
export const javaCommitMarker =
  'AAAAAAAAAAcAAABCAAAAAwKj7lEjADAAAAAAAAAAAAAABNIAAAAAAAAE0gAAAAAAAAAJAAP/////AAAAASAAAAAIAAAAAQwAAAAAAAUA'

/** Keys and their hashes. */
export const javaMurmur2 = [
  ['', 275646681],
  ['a', -1563381124],
  ['ab', 316155434],
  ['abc', 479470107],
  ['abcd', -1323649548],
  ['21', -973932308],
  ['foobar', -790332482],
  ['a-little-bit-long-string', -985981536],
  ['a-little-bit-longer-string', -1486304829],
  ['lkjh234lh9fiuh90y23oiuhsafujhadof229phr9h19h89h8', -58897971],
] as const
