/** A point on the earth, in degrees. */
export interface Location {
  latitude: number
  longitude: number
}

const EARTH_RADIUS_KM = 6371
/** Distances that differ by less are the same: a country is known by its middle only. */
const STEP_KM = 1

/** Kilometres between two points (haversine). */
export function distanceKm(a: Location, b: Location): number {
  const north = radians(b.latitude - a.latitude)
  const east = radians(b.longitude - a.longitude)
  const chord = Math.sin(north / 2) ** 2 + Math.cos(radians(a.latitude)) * Math.cos(radians(b.latitude)) * Math.sin(east / 2) ** 2
  return 2 * EARTH_RADIUS_KM * Math.asin(Math.min(1, Math.sqrt(chord)))
}

/** Those nearest to a point. Candidates whose location is not known count only where none is known; then all of them are near. */
export function nearestTo<Candidate>(
  point: Location,
  candidates: readonly Candidate[],
  locationOf: (candidate: Candidate) => Location | undefined,
): readonly Candidate[] {
  const located = candidates.flatMap((candidate) => {
    const location = locationOf(candidate)
    return location ? [{ candidate, km: distanceKm(point, location) }] : []
  })
  if (located.length === 0) return candidates
  const nearest = Math.min(...located.map(({ km }) => km))
  return located.filter(({ km }) => km <= nearest + STEP_KM).map(({ candidate }) => candidate)
}

const radians = (degrees: number): number => (degrees * Math.PI) / 180
