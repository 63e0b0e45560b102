import { type Adapter, readAdapter } from '../../cells/wire/adapter.ts'

/** The part of a realm's `/about` that an explorer uses (comms.md §2.1). */
export interface About {
  healthy: boolean
  acceptingUsers: boolean
  configurations: { realmName: string; networkId: number; scenesUrn: string[]; globalScenesUrn: string[] }
  content: { healthy: boolean; publicUrl: string }
  comms: { healthy: boolean; protocol: string; adapter?: string; fixedAdapter?: string; usersCount?: number }
}

const TIMEOUT_MS = 10_000

/** Enters a realm as explorers do: reads its `/about` and follows the adapter. @throws when either is unusable */
export async function followAbout(aboutUrl: string, timeoutMs = TIMEOUT_MS): Promise<{ about: About; comms: Adapter }> {
  const answer = await fetch(aboutUrl, { signal: AbortSignal.timeout(timeoutMs) })
  if (!answer.ok) throw new Error(`${aboutUrl} answered ${answer.status}`)
  const about = (await answer.json()) as About
  if (about.comms.protocol !== 'v3') throw new Error(`Godot refuses comms protocol ${about.comms.protocol}`)
  return { about, comms: readAdapter(about.comms.adapter ?? about.comms.fixedAdapter ?? 'offline:offline') }
}

/** Follows the `/about` of a city to the URL of its connector. @throws when the realm has no archipelago */
export async function connectorUrl(aboutUrl: string, timeoutMs = TIMEOUT_MS): Promise<string> {
  const { comms } = await followAbout(aboutUrl, timeoutMs)
  if (comms.kind !== 'archipelago') throw new Error(`${aboutUrl} has the adapter ${comms.kind}, not archipelago`)
  return comms.url
}
