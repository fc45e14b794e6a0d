// How an object is cut into the parts of a multipart upload.
// https://docs.aws.amazon.com/AmazonS3/latest/userguide/qfacts.html: 10,000 parts, each but the last of 5 MiB at least.

const mib = 1024 * 1024

/** Parts grow, so that small objects need little memory and 10,000 parts are enough for more than 1 TB. */
const growth = [
  { upTo: 1000, sizeBytes: 8 * mib },
  { upTo: 3000, sizeBytes: 32 * mib },
  { upTo: 10_000, sizeBytes: 160 * mib },
] as const

/**
 * An object no larger than the first part is sent in one request.
 * @param number from 1
 * @returns its size unless it is the last, or null when S3 has no such part */
export function partSizeBytes(number: number): number | null {
  return growth.find(({ upTo }) => number <= upTo)?.sizeBytes ?? null
}

export const maxObjectBytes = growth.reduce(
  (total, { upTo, sizeBytes }, index) => total + (upTo - (growth[index - 1]?.upTo ?? 0)) * sizeBytes,
  0,
)
