import { Pinner } from './forms.ts';
const [form, order] = [process.argv[2] as 'plain', process.argv[3] as 'sequential'];
const p = new Pinner(form, order);
for (const n of (process.argv[4] ?? '512,262144').split(',').map(Number)) {
    const r = []; for (let i=0;i<40;i++) r.push(p.round(n, n<4096?512:1));
    const f=(k:'pin'|'unpin')=>r.map(x=>x[k]).sort((a,b)=>a-b).slice(0,20).filter((_,i)=>i%5===0).map(x=>x.toFixed(2)).join(' ');
    console.log(form, order, n, 'pin', f('pin'), 'unpin', f('unpin'));
}
p.check();
