import { Pinner } from './forms.ts';
for (const form of ['plain','shared'] as const) for (const order of ['sequential','scattered'] as const) {
  const t=performance.now();
  const p = new Pinner(form, order);
  console.log('setup', form, order, ((performance.now()-t)/1000).toFixed(2));
  for (const n of [512, 1<<18]) {
    const r = []; for (let i=0;i<12;i++) r.push(p.round(n, n<4096?512:1));
    console.log(form, order, n, r.slice(-4).map(x=>`${x.pin.toFixed(2)}/${x.unpin.toFixed(2)}`).join(' '));
  }
  p.check();
}
