import { UserError } from '../../cells/chassis/errors.ts'
import {
  addressOf,
  callGatekeeper,
  type ModeratorOptions,
  type ModeratorPorts,
  type OutputFormat,
  printList,
} from './gatekeeper-call.ts'

export interface AdminsOptions extends ModeratorOptions {
  output?: OutputFormat
  /** A parcel of a scene, `x,y`, or its id: administrators of that scene are meant. */
  scene?: string
  /** The name of the world that the scene is in. */
  world?: string
  add?: string
  remove?: string
  /** Why one is added or removed. */
  reason?: string
}

const PARCEL = /^-?\d{1,4}, *-?\d{1,4}$/

/**
 * Prints who may moderate the platform, or who administers a scene; adds or removes an administrator of a scene.
 *
 * @throws UserError 1 when the gatekeeper refuses, 2 when an argument is invalid, 4 when it does not answer
 */
export async function admins(options: AdminsOptions, ports: ModeratorPorts): Promise<void> {
  const { scene, world, add, remove } = options
  const isOfScene = scene !== undefined || world !== undefined
  if (add !== undefined && remove !== undefined) throw new UserError('Give either --add or --remove.', 2)
  if (add === undefined && remove === undefined) return isOfScene ? listOfScene(options, ports) : listModerators(options, ports)
  if (!isOfScene)
    throw new UserError(
      'Moderators are declared in spec.gatekeeper.moderators of the Realm: change them there. Administrators of a scene need --scene or --world.',
      2,
    )
  if (!options.reason) throw new UserError('--reason is needed: the record of decisions says why.', 2)
  const admin = addressOf(add ?? remove ?? '')
  const body = { ...sceneOf(options), admin, reason: options.reason }
  await callGatekeeper(add === undefined ? 'DELETE' : 'POST', '/moderation/scene-admins', options, ports, body)
  ports.say(`${admin} ${add === undefined ? 'does not administer the scene any more' : 'administers the scene'}.`)
}

const sceneOf = ({ scene, world }: AdminsOptions): Record<string, string> => ({
  ...(world !== undefined && { world }),
  ...(scene !== undefined && { [PARCEL.test(scene) ? 'parcel' : 'scene']: scene }),
})

interface SceneAdmin {
  admin: string
  addedBy: string | null
  addedAt: string | null
  by: string
}

async function listOfScene(options: AdminsOptions, ports: ModeratorPorts): Promise<void> {
  const path = `/moderation/scene-admins?${new URLSearchParams(sceneOf(options))}`
  const { data } = (await callGatekeeper('GET', path, options, ports)) as { data: { placeId: string; admins: SceneAdmin[] } }
  if (options.output === 'json') return ports.print(`${JSON.stringify(data, null, 2)}\n`)
  ports.say(`Place ${data.placeId}`)
  const columns = {
    wallet: ({ admin }: SceneAdmin) => admin,
    right: ({ by }: SceneAdmin) => by,
    'added by': ({ addedBy }: SceneAdmin) => addedBy,
    'added at': ({ addedAt }: SceneAdmin) => addedAt,
  }
  await printList(data.admins, columns, { output: 'table', none: 'The scene has no administrator.', print: ports.print })
}

async function listModerators(options: AdminsOptions, ports: ModeratorPorts): Promise<void> {
  const answer = await callGatekeeper('GET', '/moderation/moderators', options, ports)
  const { data } = answer as { data: { wallets: string[]; token: boolean } }
  if (options.output === 'json') return ports.print(`${JSON.stringify(data, null, 2)}\n`)
  const rows = [
    ...data.wallets.map((who) => ({ who, by: 'signed requests' })),
    ...(data.token ? [{ who: 'tools', by: 'the token' }] : []),
  ]
  const columns = { moderator: (row: { who: string }) => row.who, by: (row: { by: string }) => row.by }
  await printList(rows, columns, { output: 'table', none: 'The realm has no moderator.', print: ports.print })
}
