/** A time as the API writes it. */
export const isoTimeOf = (atMs: number): string => new Date(atMs).toISOString()

export const isoTimeOrNull = (atMs: number | null): string | null => (atMs === null ? null : isoTimeOf(atMs))
