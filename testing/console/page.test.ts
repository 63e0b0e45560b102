import type { Browser, Page } from 'playwright-core'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { openPage, startBrowser } from '../browser.ts'
import { withPart } from '../parts/with-part.ts'
import { SCREENS } from './screens.ts'
import { CONSOLE_TOKEN, startConsoleSite } from './site.ts'

const REALM = '#/realm/realms/main'

/** What is on the map: how many colours the canvas has, beside those of an empty one. */
const PAINTED = `(() => {
  const canvas = document.querySelector('canvas[data-map]')
  if (!canvas || canvas.width === 0) return 0
  const { data } = canvas.getContext('2d').getImageData(0, 0, canvas.width, canvas.height)
  const seen = new Set()
  for (let at = 0; at < data.length; at += 4) seen.add((data[at] << 16) | (data[at + 1] << 8) | data[at + 2])
  return seen.size
})()`

/** What spills out of the window, and which controls cannot be named. */
const DEFECTS = `(() => {
  const wide = document.documentElement.scrollWidth > innerWidth + 1 ? ['the page is wider than the window'] : []
  const nameless = [...document.querySelectorAll('button, a, input, [role=region], [role=img], svg')].filter((each) =>
    each.getClientRects().length > 0 && !(each.getAttribute('aria-label') || each.getAttribute('aria-labelledby') || each.labels?.length || each.textContent.trim()))
  return [...wide, ...nameless.map((each) => 'without a name: ' + each.outerHTML.slice(0, 120))]
})()`

/** Waits until an expression has a value on the page. */
const sees = (page: Page, expression: string, value: unknown = true) =>
  expect.poll(() => page.evaluate(expression), { timeout: 15_000 }).toEqual(value)

const onMap = (page: Page, colours: number) => sees(page, `${PAINTED} > ${colours}`)

async function showsPeers(page: Page, url: string, peers: number): Promise<void> {
  const players = new Intl.NumberFormat('en').format(peers + Math.round(peers / 40))
  await page.goto(`${url}/console`)
  await sees(page, `document.querySelectorAll('.card').length`, 4)
  await sees(page, `document.querySelector('.link-state')?.className.includes('live')`)
  await sees(page, `document.querySelectorAll('.problem.error').length`, 2)
  await sees(page, `/Players\\s*${players}/.test(document.querySelector('#summary').textContent)`)
  expect(await page.evaluate(DEFECTS)).toEqual([])

  await page.goto(`${url}/console${REALM}`)
  await onMap(page, peers === 10 ? 3 : 6)
  const legend = peers > 5_000 ? 'Peers per parcel' : 'Each dot'
  await sees(page, `document.querySelector('.legend').textContent.startsWith('${legend}')`)
  expect(await page.evaluate(DEFECTS)).toEqual([])
}

withPart('chromium', 'the page of the console in a browser', (path) => {
  let browser: Browser

  beforeAll(async () => {
    browser = await startBrowser(path)
  })
  afterAll(() => browser.close())

  for (const peers of [10, 5_000, 100_000]) {
    test(`shows ${peers} peers at three sizes, light and dark, and complains of nothing`, { timeout: 180_000 }, async (t) => {
      const site = await startConsoleSite(peers)
      t.onTestFinished(() => site.stop())
      for (const dimensions of Object.values(SCREENS))
        for (const theme of ['light', 'dark'] as const) {
          const { page, complaints } = await openPage(browser, dimensions, theme)
          await showsPeers(page, site.url, peers)
          await sees(page, 'document.documentElement.dataset.theme', theme)
          expect(complaints).toEqual([])
          await page.context().close()
        }
    })
  }

  /** A page of the console beside 200 players, without the wallets that only its token shows. */
  async function aConsole(t: { onTestFinished(done: () => Promise<void>): void }, path = '/console') {
    const site = await startConsoleSite(200)
    t.onTestFinished(() => site.stop())
    const { page } = await openPage(browser, SCREENS.laptop)
    t.onTestFinished(() => page.context().close())
    await page.goto(`${site.url}${path}`)
    return { page, url: site.url }
  }

  test('sorts cells by key and by click, and finds realms, parcels, islands and wallets', async (t) => {
    const { page } = await aConsole(t)
    await sees(page, `document.querySelectorAll('tbody tr').length > 5`)
    const sorted = page.locator('th[aria-sort]')
    await page.keyboard.press('2')
    await expect
      .poll(async () => [await sorted.textContent(), await sorted.getAttribute('aria-sort')])
      .toEqual(['Slot', 'ascending'])
    await page.click('[data-column=players]')
    await expect.poll(() => sorted.getAttribute('aria-sort')).toBe('descending')

    const search = async (text: string) => {
      await page.keyboard.press('/')
      await sees(page, 'document.activeElement.id', 'query')
      await page.fill('#query', text)
      await page.keyboard.press('Enter')
      // The page that was found takes the focus when it is drawn.
      await sees(page, 'document.activeElement.id', 'main')
    }
    await search('garden')
    await sees(page, 'location.hash', '#/realm/realms/garden')
    await search('main')
    await sees(page, 'location.hash', REALM)
    await search('12,-7')
    await sees(page, 'location.hash', '#/parcel/realms/main/12,-7')
    await page.waitForSelector('canvas[data-map]')
    await search('0-0')
    await sees(page, `document.querySelector('#found-title')?.textContent`, 'Island 0-0')
    await search(`0x${'1'.padStart(40, '0')}`)
    await sees(page, `document.body.textContent.includes('only with the token')`)
    await page.click('#token-button')
    await page.fill('#token-input', CONSOLE_TOKEN)
    await page.evaluate(`document.querySelector('#token-form').requestSubmit()`)
    await sees(page, `document.querySelector('main').textContent.includes('last heartbeat')`)
  })

  test('moves and enlarges the map by keys, and has links to copy', async (t) => {
    const { page, url } = await aConsole(t, `/console${REALM}`)
    await onMap(page, 3)
    const picture = () => page.evaluate(`document.querySelector('canvas[data-map]').toDataURL().length`)
    await page.focus('canvas[data-map]')
    const all = await picture()
    await page.keyboard.press('+')
    await page.keyboard.press('+')
    await expect.poll(picture).not.toBe(all)
    const texts = await page.locator('.copy code').allTextContents()
    expect(texts).toContain(`decentraland://?realm=${url}/main`)
    expect(texts).toContain('PULSE_SERVER=relay.example.org:7777')
  })
})
