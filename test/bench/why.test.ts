import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { measuredPart, withMeasuredPart } from '../../bench/why/page.ts';
import { plot, THEMES } from '../../bench/why/plot.ts';
import { cellOf, recordedResults } from '../../bench/why/results.ts';
import { MODES, SHAPES, service, services } from '../../bench/why/services.ts';

const docs = (name: string): string => readFileSync(new URL(`../../docs/${name}`, import.meta.url), 'utf8');

describe('docs/why.md', () => {
  test('shows the measurements that are recorded, and nothing else as measured', () => {
    expect(docs('why.md')).toContain(measuredPart(recordedResults()));
    expect(withMeasuredPart(docs('why.md'), recordedResults())).toBe(docs('why.md'));
  });

  test.each(THEMES)('has a plot of the recorded measurements for a %s page', (theme) => {
    expect(docs(`why-${theme}.svg`)).toBe(plot(recordedResults(), theme));
  });

  test('rests on one run with every mode at every size', () => {
    const { node } = recordedResults();
    const measured = node.cells.map((cell) => `${cell.mode} ${cell.services}`);
    expect(measured).toEqual([100, 1000, 5000, 10000].flatMap((size) => MODES.map((mode) => `${mode} ${size}`)));
  });

  test('counts the lines that one more Service takes', () => {
    const { node } = recordedResults();
    expect(MODES.map((mode) => cellOf(node, mode, 100).oneMoreLines)).toEqual([134, 29, 5]);
    expect(MODES.map((mode) => cellOf(node, mode, 10_000).oneMoreLines)).toEqual([10_034, 29, 5]);
  });
});

describe('the shapes that are measured', () => {
  test('write each Service again for one more in iptables mode, and the new one alone in nftables mode', () => {
    const all = services(3);
    const [restore] = SHAPES.iptables.oneMore(all, service(3));
    expect(restore?.text.match(/^-A KUBE-SERVICES .* -d (\S+) /gm)).toHaveLength(3);
    expect(restore?.text.match(/^:KUBE-SVC-/gm)).toHaveLength(1);
    const [transaction] = SHAPES.nftables.oneMore(all, service(3));
    expect(transaction?.text).toMatch(
      /^add element ip kube-proxy service-ips \{ 10\.96\.0\.3 \. tcp \. 80 : goto service-[A-Z2-7]{8}-shop\/service-3\/tcp\/http \}$/m,
    );
    expect(transaction?.text).not.toContain('10.96.0.2');
  });

  test('are the same for kube-proxy in iptables mode in portions and at once', () => {
    const [, ...portions] = SHAPES.iptables.start(services(250));
    expect(portions.flatMap(({ text }) => text.match(/^:KUBE-SVC-/gm) ?? [])).toHaveLength(250);
    expect(portions.flatMap(({ text }) => text.match(/^-A KUBE-SERVICES /gm) ?? [])).toHaveLength(250);
  });
});
