import { sceneIdsOf } from '../../crds/world.ts'
import type { Clock } from '../chassis/clock.ts'
import { Refusal } from '../chassis/errors.ts'
import type { Build } from '../chassis/health.ts'
import { json, ok, type Route, route, text } from '../chassis/http.ts'
import type { HttpResponse } from '../chassis/http-response.ts'
import { prepared } from '../chassis/representation.ts'
import { type AboutDependencies, AboutHandler, type AboutRequest, originOf } from './about-handler.ts'
import type { RealmStats } from './adapters/stats-poller.ts'
import { type ConsoleParts, consoleRoutes } from './console/routes.ts'
import { isFull } from './core/placement.ts'
import { type Absence, hasEndpoints, type PublishedRealm } from './core/published-realm.ts'
import { worldRoutes } from './world-routes.ts'

/** Adds the list of realms and hot scenes to what `/about` reads. */
export interface ProviderRouteDependencies extends AboutDependencies {
  /** The realms that are served, by name; undefined until the source has been read once. */
  realms: () => ReadonlyMap<string, PublishedRealm> | undefined
  /** The realm of a name, as clients write it. */
  realmOf: (name: string) => PublishedRealm | undefined
  /** The realms of its name, where several clusters share it. */
  membersOf: (realm: PublishedRealm) => readonly PublishedRealm[]
  /** Name of the realm that `/about` answers for, and `/main/about` while no realm is called main. */
  defaultRealm: string | undefined
  stats: RealmStats
  console: ConsoleParts
  clock: Clock
  build: Build
}

/** The only realm of upstream's provider: sites and older clients request it by this name. */
const UPSTREAM_REALM = 'main'

/** For a person who requests it: a World has no cells, so none are spoken of. */
const WHY_ABSENT: Readonly<Record<Absence, string>> = {
  Starting: 'is starting: try again in a few seconds',
  Hibernated: 'is hibernated: it runs nothing until it is scaled up',
  Draining: 'takes no new players: it is being drained',
}

/** Explorers take a 404 as the end of a realm, while one that hibernates or starts comes back. */
const withoutEndpoint = ({ realmName, absence: reason = 'Starting' }: PublishedRealm): HttpResponse =>
  json(
    503,
    { healthy: false, acceptingUsers: false, reason, error: `the realm '${realmName}' ${WHY_ABSENT[reason]}` },
    { 'retry-after': '5', 'cache-control': 'no-store' },
  )

/** Addresses of this provider by which answers with hot scenes are kept: clients choose their Host headers. */
const MAX_BASES = 16

/**
 * Answers with hot scenes, and the URL of each realm; the bytes are made once per list and address, because any client may request
 * them at any rate.
 */
function hotScenesAnswer(): (scenes: ReturnType<RealmStats['hotScenes']>, base: string) => HttpResponse {
  let last: ReturnType<RealmStats['hotScenes']> | undefined
  const answers = new Map<string, HttpResponse>()
  return (scenes, base) => {
    if (last !== scenes || answers.size > MAX_BASES) answers.clear()
    last = scenes
    const known = answers.get(base)
    if (known) return known
    const shown = scenes.map(({ realms, ...scene }) => ({
      ...scene,
      realms: realms.map((realm) => ({ ...realm, url: `${base}/${encodeURIComponent(realm.serverName)}` })),
    }))
    const answer = prepared(Buffer.from(JSON.stringify(shown)), { vary: 'X-Forwarded-Proto' })
    answers.set(base, answer)
    return answer
  }
}

/** The scenes of a world, as a worlds content server lists them. */
function scenesAnswer({ world, realmName }: PublishedRealm): HttpResponse {
  if (!world) return json(404, { error: 'Not Found' })
  const scenes = sceneIdsOf(world.scenes).map((entityId) => ({ worldName: realmName, entityId }))
  return ok({ scenes, total: scenes.length })
}

/** The API of comms.md §3, for every realm instead of one; answered from memory. */
export function providerRoutes(dependencies: ProviderRouteDependencies): Route[] {
  const { stats, baseUrl, clock, build, realmOf, membersOf, defaultRealm } = dependencies
  const { tally } = dependencies.console
  const about = new AboutHandler(dependencies)
  const hotScenes = hotScenesAnswer()
  const knownRealms = () => {
    const realms = dependencies.realms()
    // A 404 now would make explorers leave realms that merely have not been read yet.
    if (!realms) throw new Refusal('UNAVAILABLE', 'the list of realms has not been read yet')
    return realms
  }
  const realmNamed = (name: string) => {
    knownRealms()
    const stands = defaultRealm !== undefined && name.toLowerCase() === UPSTREAM_REALM
    const realm = realmOf(name) ?? (stands ? realmOf(defaultRealm) : undefined)
    if (!realm) throw new Refusal('NOT_FOUND', `there is no realm '${name}' here`)
    return realm
  }
  const realmToEnter = (name: string) => {
    try {
      return realmNamed(name)
    } catch (error) {
      tally.refused(undefined)
      throw error
    }
  }
  const aboutOf = (name: string, request: AboutRequest) => {
    const first = realmToEnter(name)
    const members = membersOf(first)
    const { realm = first, isPersonal } = about.memberFor(members, request)
    const choice = { isPersonal, isShared: members.length > 1 }
    if (!hasEndpoints(realm)) {
      tally.refused(realm)
      return withoutEndpoint(realm)
    }
    if (isFull(realm.endpoints, realm.assignment, stats.playerCount(realm)?.bySlot)) tally.refused(realm)
    else tally.answered(realm)
    return about.answer(realm, request, choice)
  }
  const timedAboutOf = (name: string, request: AboutRequest) => {
    const startedAt = clock.monotonic()
    try {
      return aboutOf(name, request)
    } finally {
      dependencies.metrics.aboutSeconds.observe((clock.monotonic() - startedAt) / 1_000)
    }
  }
  // Covers comms and content, like `healthy` in `/about`, so that the two never contradict each other.
  const isHealthy = ({ healthy, content: { catalysts } }: PublishedRealm) =>
    healthy && (catalysts.length === 0 || dependencies.catalysts.known(catalysts).some((catalyst) => catalyst.healthy))

  return [
    route('GET', '/ping', ({ path }) => text(path)),
    route('GET', '/status', () => ok({ version: build.version, currentTime: clock.now(), commitHash: build.commitHash })),
    route('GET', '/realms', (request) => {
      const base = baseUrl ?? originOf(request)
      const healthy = [...knownRealms().values()].map(membersOf).filter((members) => members.some(isHealthy))
      return ok(
        healthy.map((members) => {
          const serverName = members[0]?.realmName ?? ''
          const usersCount = members.reduce((sum, realm) => sum + (stats.playerCount(realm)?.total ?? 0), 0)
          return { serverName, url: `${base}/${encodeURIComponent(serverName)}`, usersCount }
        }),
      )
    }),
    route('GET', '/:realm/about', (request) => timedAboutOf(request.params.realm, request)),
    route('GET', '/about', (request) => {
      if (defaultRealm === undefined) throw new Refusal('NOT_FOUND', 'name a realm: /{realm}/about; /realms lists them')
      return timedAboutOf(defaultRealm, request)
    }),
    route('GET', '/hot-scenes', (request) => {
      knownRealms()
      return hotScenes(stats.hotScenes(), baseUrl ?? originOf(request))
    }),
    // Bevy requests it and expects a 404 of realms that are no worlds (comms.md §3.4).
    route('GET', '/:realm/scenes', ({ params }) => scenesAnswer(realmNamed(params.realm))),
    ...worldRoutes({ realmNamed, catalystUrl: (realm, request) => about.catalystOf(realm, request).catalyst?.url, clock }),
    ...consoleRoutes(dependencies.console),
  ]
}
