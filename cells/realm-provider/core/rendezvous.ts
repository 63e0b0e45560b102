import { fnv1a } from '../../chassis/fnv1a.ts'

/** Rendezvous hashing: when a candidate is added or removed, only visitors who rank it highest change. */
export function highestRanked<Candidate>(
  candidates: readonly Candidate[],
  visitor: string,
  nameOf: (candidate: Candidate) => string | number,
): Candidate | undefined {
  if (candidates.length < 2) return candidates[0]
  const ranked = candidates.map((candidate) => ({ candidate, rank: rankHash(`${nameOf(candidate)} ${visitor}`) }))
  return ranked.sort((a, b) => b.rank - a.rank)[0]?.candidate
}

/** FNV-1a, mixed once more, because short texts that differ in one letter should not rank alike. */
function rankHash(text: string): number {
  const hash = fnv1a(text)
  const mixed = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b)
  return (mixed ^ (mixed >>> 13)) >>> 0
}
