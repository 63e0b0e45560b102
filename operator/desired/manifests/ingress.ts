import type { V1HTTPIngressPath, V1IngressSpec } from '@kubernetes/client-node'
import type { Realm } from '../../../crds/realm.ts'
import type { RetainedRoutes } from '../cells/retained.ts'
import { gatekeeperRouteName, realmChildMeta } from '../naming.ts'
import { ingressDefaults } from './ingress-defaults.ts'
import type { ManifestOf } from './kube-manifest.ts'
import { gatekeeperPaths, type RealmPaths, realmPaths, type ServicePaths } from './realm-paths.ts'

/** An Ingress with the fields the operator sets. */
export type Ingress = ManifestOf<V1IngressSpec>

/**
 * The Ingress at the host of a realm, if it asks for one. It has a path for every slot below `cells.max`, so that scaling and rollouts never
 * rewrite it: some ingress controllers close all sockets when they reload.
 */
export function realmIngress(realm: Realm, retained?: RetainedRoutes): Ingress | undefined {
  const { type, host, tlsSecretName } = realm.spec.exposure
  if (type !== 'Ingress' || !host) return undefined
  const paths = realmPaths(realm, retained)
  return ingressOf(realm, realm.metadata.name, paths, {
    ...(tlsSecretName && { tls: [{ hosts: [host], secretName: tlsSecretName }] }),
    rules: [{ host, http: { paths: [...paths.slots.flat(), ...paths.services].flatMap(pathsTo) } }],
  })
}

/**
 * The Ingress of further hosts of the gatekeeper. It is another one than that of the realm: a controller that refuses one of these hosts must
 * not refuse the realm with it.
 */
export function gatekeeperIngress(realm: Realm, hosts: readonly string[]): Ingress {
  const { tlsSecretName } = realm.spec.gatekeeper
  const services = [gatekeeperPaths(realm)]
  const paths = services.flatMap(pathsTo)
  return ingressOf(
    realm,
    gatekeeperRouteName(realm),
    { slots: [], services },
    {
      ...(tlsSecretName && { tls: [{ hosts: [...hosts], secretName: tlsSecretName }] }),
      rules: hosts.map((host) => ({ host, http: { paths } })),
    },
  )
}

function ingressOf(realm: Realm, name: string, paths: RealmPaths, spec: V1IngressSpec): Ingress {
  const { className, annotations } = realm.spec.exposure
  return {
    apiVersion: 'networking.k8s.io/v1',
    kind: 'Ingress',
    metadata: { ...realmChildMeta(realm, name, 'route'), annotations: { ...ingressDefaults(paths), ...annotations } },
    spec: { ...(className && { ingressClassName: className }), ...spec },
  }
}

/** With this annotation, cert-manager adds the paths of its challenges to the Ingress itself. */
const EDIT_IN_PLACE = 'acme.cert-manager.io/http01-edit-in-place'
const CHALLENGES = '/.well-known/acme-challenge/'

/** A path by which an authority asks for the proof that cert-manager has a host. */
export interface ChallengePath {
  host: string | undefined
  path: V1HTTPIngressPath
}

/** The paths of challenges that cert-manager added to a live Ingress, where the realm asks it to. */
export function challengePathsOf({ metadata, spec }: Pick<Ingress, 'metadata' | 'spec'>): ChallengePath[] {
  if (metadata.annotations?.[EDIT_IN_PLACE] !== 'true') return []
  return (spec?.rules ?? []).flatMap(({ host, http }) =>
    (http?.paths ?? []).filter(({ path = '' }) => path.startsWith(CHALLENGES)).map((path) => ({ host, path })),
  )
}

/** An Ingress with paths of challenges. The list of paths has one owner, so the operator keeps them by applying them too. */
export function withChallengePaths(ingress: Ingress, challenges: readonly ChallengePath[]): Ingress {
  if (challenges.length === 0 || ingress.metadata.annotations?.[EDIT_IN_PLACE] !== 'true') return ingress
  const rules = ingress.spec.rules?.map(({ host, http }) => {
    const ofHost = challenges.filter((challenge) => challenge.host === host).map(({ path }) => path)
    return { ...(host !== undefined && { host }), http: { paths: [...ofHost, ...(http?.paths ?? [])] } }
  })
  return { ...ingress, spec: { ...ingress.spec, ...(rules && { rules }) } }
}

const pathsTo = ({ service, paths }: ServicePaths): V1HTTPIngressPath[] =>
  paths.map((path) => ({ path, pathType: 'Prefix', backend: { service: { name: service, port: { name: 'http' } } } }))
