import {
  addressOf,
  callGatekeeper,
  type ModeratorOptions,
  type ModeratorPorts,
  type OutputFormat,
  printList,
} from './gatekeeper-call.ts'

export interface BanOptions extends ModeratorOptions {
  reason: string
  /** Days; until it is lifted by default. */
  days?: number
  message?: string
}

const DAY_MS = 24 * 3_600_000

/** @throws UserError 1 when the gatekeeper refuses, 2 when an argument is invalid, 4 when it does not answer */
export async function ban(wallet: string, options: BanOptions, ports: ModeratorPorts): Promise<void> {
  const { reason, days, message } = options
  const duration = days === undefined ? {} : { duration: days * DAY_MS }
  const body = { reason, ...duration, ...(message !== undefined && { customMessage: message }) }
  await callGatekeeper('POST', `/users/${addressOf(wallet)}/bans`, options, ports, body)
  ports.say(`Banned ${wallet}${days === undefined ? '' : ` for ${days} days`}.`)
}

/** Lifts the ban of a wallet. @throws UserError as `ban` */
export async function unban(wallet: string, options: ModeratorOptions, ports: ModeratorPorts): Promise<void> {
  await callGatekeeper('DELETE', `/users/${addressOf(wallet)}/bans`, options, ports)
  ports.say(`${wallet} is not banned any more.`)
}

/** Removes a player once from all rooms and connectors. @throws UserError as `ban` */
export async function kick(wallet: string, options: ModeratorOptions & { reason: string }, ports: ModeratorPorts): Promise<void> {
  const { reason } = options
  const answer = await callGatekeeper('POST', `/users/${addressOf(wallet)}/kick`, options, ports, { reason })
  const { rooms } = (answer as { data: { rooms: string[] } }).data
  const from = rooms.length === 0 ? 'no room of LiveKit' : rooms.join(', ')
  ports.say(`Kicked ${wallet}: it was in ${from}, and its connections to the realm end within a second. It may come back.`)
}

interface Ban {
  bannedAddress: string
  bannedBy: string
  bannedAt: string
  expiresAt: string | null
  reason: string
}

/** Prints the bans in force. @throws UserError as `ban` */
export async function bans(options: ModeratorOptions & { output?: OutputFormat }, ports: ModeratorPorts): Promise<void> {
  const { data } = (await callGatekeeper('GET', '/bans', options, ports)) as { data: Ban[] }
  const columns = {
    wallet: (ban: Ban) => ban.bannedAddress,
    since: (ban: Ban) => ban.bannedAt,
    until: (ban: Ban) => ban.expiresAt ?? 'no end',
    by: (ban: Ban) => ban.bannedBy,
    reason: (ban: Ban) => ban.reason,
  }
  await printList(data, columns, { output: options.output, none: 'No player is banned.', print: ports.print })
}

interface Decision {
  decidedAt: string
  actor: string
  action: string
  target: string
  placeId: string | null
  reason: string | null
  result: string
}

/** Prints the latest decisions. @throws UserError as `ban` */
export async function decisions(
  options: ModeratorOptions & { output?: OutputFormat; of?: string },
  ports: ModeratorPorts,
): Promise<void> {
  const about = options.of === undefined ? '' : `?target=${addressOf(options.of)}`
  const { data } = (await callGatekeeper('GET', `/moderation/decisions${about}`, options, ports)) as { data: Decision[] }
  const columns = {
    at: (decision: Decision) => decision.decidedAt,
    by: (decision: Decision) => decision.actor,
    decision: (decision: Decision) => decision.action,
    about: (decision: Decision) => decision.target,
    place: (decision: Decision) => decision.placeId,
    reason: (decision: Decision) => decision.reason,
    result: (decision: Decision) => decision.result,
  }
  await printList(data, columns, { output: options.output, none: 'No decision is recorded.', print: ports.print })
}
