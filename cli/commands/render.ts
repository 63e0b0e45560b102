import { stringify } from 'yaml'
import { UserError } from '../../cells/chassis/errors.ts'
import type { CommsCell, Realm } from '../../crds/realm.ts'
import { gatekeeperRealmOf, isGuest, isWorldRealm } from '../../crds/world.ts'
import { platformOf, readConfig } from '../../operator/config.ts'
import type { GeneratedSecret, KubeManifest } from '../../operator/desired/manifests/kube-manifest.ts'
import { cellObjects, generatedSecrets, realmObjects } from '../../operator/desired/manifests/objects.ts'
import { planCell, planRealm } from '../../operator/desired/plan.ts'
import type { Platform } from '../../operator/desired/platform.ts'
import { clusterSite, type Site } from '../../operator/desired/site.ts'
import { planWorld } from '../../operator/desired/world-plan.ts'
import { USUAL_NAMESPACE } from '../cluster/installation.ts'
import { readManifest } from '../manifest.ts'
import { problemLines } from '../render.ts'
import { manifestText } from './manifest-text.ts'

export interface RenderOptions {
  file: string[]
  /** Registry and repository of the image, without a tag: `image.repository` of the chart. */
  imageRepository: string
  output: 'yaml' | 'json'
}

/** Side effects of `render`. */
export interface RenderPorts {
  stdin: AsyncIterable<Uint8Array>
  print(text: string): Promise<void>
}

/** What only a cluster knows, or only chance. */
const UID = 'UID-OF-THE-OWNER'
const PASSWORD = 'RANDOM-VALUE'

/**
 * Prints every object that an operator with the default values of its chart creates for new Realms, in the order in which it applies them.
 * The same manifest gives the same text. Uids and generated passwords are placeholders.
 *
 * @throws UserError 2 with every mistake of the manifests
 */
export async function render({ file, imageRepository, output }: RenderOptions, { stdin, print }: RenderPorts): Promise<void> {
  const realms = (await Promise.all(file.map((each) => realmsIn(each, stdin)))).flat()
  const providerUrl = `http://${USUAL_NAMESPACE}-provider.${USUAL_NAMESPACE}.svc.cluster.local`
  const platform = platformOf(readConfig({ IMAGE_REPOSITORY: imageRepository, PROVIDER_URL: providerUrl }), USUAL_NAMESPACE)
  const site = clusterSite(platform.clusterDomain, platform.providerUrl)
  const objects = realms.flatMap((realm) => objectsOf(realm, realms, platform, site))
  if (output === 'json') return print(`${JSON.stringify({ apiVersion: 'v1', kind: 'List', items: objects }, null, 2)}\n`)
  await print(objects.map((object) => stringify(object, { aliasDuplicateObjects: false })).join('---\n'))
}

async function realmsIn(file: string, stdin: AsyncIterable<Uint8Array>): Promise<readonly Realm[]> {
  const { name, content } = await manifestText(file, stdin)
  const read = readManifest(name, content)
  if (!read.ok) throw new UserError(`${name} is refused:\n${problemLines(read.problems)}`, 2)
  return read.manifest.realms
}

function objectsOf(given: Realm, all: readonly Realm[], platform: Platform, site: Site): object[] {
  const realm: Realm = { ...given, metadata: { uid: UID, ...given.metadata } }
  const guests = all.filter(
    (each) => isGuest(each) && isSameNamespace(each, realm) && gatekeeperRealmOf(each) === realm.metadata.name,
  )
  const plan = (isWorldRealm(realm) ? planWorld : planRealm)(realm, { cells: [], services: [], guests }, site)
  const cells = plan.cells.map((cell): CommsCell => ({ ...cell, metadata: { ...cell.metadata, uid: UID } }))
  return [
    ...(isGuest(realm) ? [] : generatedSecrets(realm).map(secretOf)),
    ...realmObjects(realm, plan, platform),
    ...cells.flatMap((cell): KubeManifest[] => cellObjects(cell, planCell(cell), platform)),
  ]
}

const isSameNamespace = (a: Realm, b: Realm): boolean => a.metadata.namespace === b.metadata.namespace

const secretOf = ({ metadata, keys }: GeneratedSecret): object => ({
  ...{ apiVersion: 'v1', kind: 'Secret', metadata },
  stringData: Object.fromEntries(keys.map((key) => [key, PASSWORD])),
})
