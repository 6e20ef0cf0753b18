// The sliders inside one element; a page may have several. In a report, `box` is the element with
// the budget, and the charts of the total move too. The controls alone hold the settings.
const fill = (pattern, values) => pattern.replace(/\{(\w+)\}/g, (all, key) => values[key] ?? all);
const tenDigits = value => Number(value.toPrecision(10));

// Amounts as the report says them; halves go to the even neighbour.
function speaker(say) {
  const minor = 10 ** say.minor;
  const format = rules => new Intl.NumberFormat('en', {roundingMode: 'halfEven', ...rules}).format;
  const grouped = format({maximumSignificantDigits: 10});
  const exactly = format({minimumFractionDigits: say.minor, maximumFractionDigits: say.minor});
  const rounded = format({maximumSignificantDigits: 2, useGrouping: false});
  const twoDigits = value => Number(rounded(value));
  function scaled(units, steps) {
    const [size, name] = steps.find(([size]) => units >= size) ?? [1, ''];
    return grouped(units / size) + name;
  }
  function inWords(units) {
    if (!say.korean) return `${scaled(units, say.steps)} ${say.unit}`;
    let rest = Math.round(units), text = '';
    for (const [size, name] of say.steps) {
      if (rest >= size) text += `${grouped(Math.floor(rest / size))}${name} `;
      rest %= size;
    }
    return text + (rest || !text ? grouped(rest) : '') + say.unit;
  }
  const money = amount => inWords(twoDigits(amount / minor));
  const amount = amount => exactly(amount / minor);
  return {
    minor, money, amount,
    full: amount => inWords(tenDigits(amount / minor)),
    brief: amount => scaled(twoDigits(amount / minor), say.brief),
    exact: value => fill(say.exact, {amount: amount(value)}),
    change(now, before) {
      const added = Math.abs(now - before), sign = now < before ? say.less : '+';
      const share = before ? `${sign}${grouped(twoDigits(added / before * 100))}%` : '–';
      return added ? fill(say.change, {amount: sign + money(added), share}) : say.same;
    },
    percent(chance) {
      if (chance > 0 && chance < 0.01) return say.under_one;
      return chance < 1 && chance > 0.99 ? say.over_ninety_nine : `${Math.round(100 * chance)}%`;
    },
    // An amount as a person types it: 400M, 400,000,000 or 4억 5,000만; null if it is none.
    read(text) {
      const digits = text.replace(/[,_\s]/g, '');
      const plain = say.units.reduce((rest, unit) => rest.replace(unit, ''), digits).toLowerCase();
      if (!/^(\d+(\.\d+)?[^\d.]*)+$/.test(plain)) return null;
      const parts = [...plain.matchAll(/([\d.]+)([^\d.]*)/g)];
      const units = parts.reduce((sum, [, number, name]) => sum + number * say.sizes[name], 0);
      return units > 0 ? Math.round(units * minor) : null;  // an unknown name makes it NaN
    }
  };
}

// Returns a function that moves the dots, the marks and the axis of a chart of the total, which
// states the patterns of its texts. What happened, known only afterwards, stays where it is.
function dotChart(place, view, say, {log, room, marks, subtitles, happened}) {
  const report = structuredClone({dots: view.data('dots'), marks: view.data('marks')});
  const [start, end] = ['low', 'high'].map(name => view.signal(name));
  const {share} = report.dots[0], count = report.dots.length, pad = 1.5 * share * (end - start);
  const {amount: observed = null} = report.marks.find(({mark}) => mark === 'observed') ?? {};
  const captions = [...place.closest('.drawn')?.querySelectorAll('figcaption > *') ?? []];
  const texts = captions.map(caption => caption.textContent);

  function draw(texts, {dots, marks}, low, high, moved) {
    captions.forEach((caption, n) => { caption.textContent = texts[n]; });
    view.data('dots', structuredClone(dots)).data('marks', structuredClone(marks));
    view.signal('low', low).signal('high', high).signal('moved', moved).runAsync();
  }

  return (of, moved, isReport) => {
    if (isReport) return draw(texts, report, start, end, false);
    const amounts = {...moved, observed}, {budget, range_low, range_high} = amounts;
    const totals = report.dots.map((_, n) => of.quantile((n + 0.5) / count));
    const most = Math.max(...totals, ...Object.values(amounts));
    const high = Math.max(end, (log ? Math.log10(most) : most) + pad);
    // Amounts that are too small for a log axis stand on its left.
    const least = high - Math.max(4, end - start);
    const at = amount => log ? Math.max(Math.log10(amount), least) : amount;
    const low = Math.min(start, at(totals[0]) - pad), width = share * (high - low), levels = {};
    // Every dot stands on its own side of the line at the end of the blue ones.
    const edge = budget ?? range_high, dots = totals.map(amount => {
      const bin = Math.ceil((at(amount) - at(edge)) / width - 1e-9);
      const level = levels[bin] = (levels[bin] ?? -0.5) + 1, label = say.brief(amount);
      const likely = amount >= (budget === null ? range_low : 0) && amount <= edge;
      return {amount, level, label, likely, share, place: at(edge) + (bin - 0.5) * width};
    });
    const tallest = Math.max(...Object.values(levels)) + 0.5;
    const lines = marks.map(({pattern, ...line}) => {
      const amount = amounts[line.mark], share = say.percent(of.over(amount));
      const label = fill(pattern, {amount: say.brief(amount), share});
      return {...line, amount, label, place: at(amount)};
    }).filter(line => line.amount !== null);
    const paid = {amount: say.money(observed), share: say.percent(1 - of.over(observed))};
    const title = observed === null ? texts[0] : fill(happened, paid);
    const shown = {dots: dots.map(dot => ({...dot, room: room / tallest})), marks: lines};
    draw([title, subtitles[Number(budget !== null)]], shown, low, high, true);
  };
}

function whatIf(root, data, box) {
  const say = speaker(data.formats), {live} = data, model = live && costModel(live.model);
  const base = live && distribution(model.totals({})), charts = new Map();
  const all = selector => [box, root].flatMap(part => [...part?.querySelectorAll(selector) ?? []]);
  const write = (selector, text) => all(selector).forEach(place => { place.textContent = text; });
  const listen = (selector, go) => all(selector).forEach(x => { x.onclick = () => go(x.value); });
  const [budgetField] = all('.budget input'), [announced] = all('.announce');
  const controls = all('.slider [name], .budget input');
  const sliders = all('.slider').map(place => {
    const [range, field, exactly] = place.querySelectorAll('input');
    range.oninput = () => { field.value = range.value; };
    field.onchange = () => { if (!(field.valueAsNumber >= 0)) field.value = range.value; };
    return {range, field, exactly, ...place.dataset};
  });
  const isMoved = x => x.value !== x.defaultValue || x.checked !== x.defaultChecked;
  let given, values, budget, searching, payments;

  // Reads the settings that differ from the report. A slider follows its number field.
  function read() {
    [given, values] = [{}, {...data.factors}];
    for (const {range, field, exactly, unit, factor, times, per} of sliders) {
      if (field.validity.rangeOverflow) field.value = field.max;
      const isValid = field.valueAsNumber >= 0;
      if (isValid) range.value = field.value;
      range.ariaValueText = `${range.value} ${unit}`;
      if (!isMoved(field) && !exactly?.checked) continue;
      values[factor] = (isValid ? field : range).value * times / per;
      given[factor] = {value: values[factor], exactly: exactly?.checked};
    }
    budget = live ? say.read(budgetField.value) : null;
  }

  function expected(valuation, others = {}) {
    return tenDigits(evaluate(data.terms[valuation], id => others[id] ?? values[id]));
  }

  // Says what the inputs and the budget lead to.
  function update() {
    read();
    for (const output of root.querySelectorAll('output[data-valuation]')) {
      const {valuation: v} = output.dataset, amount = expected(v), before = data.report[v];
      const texts = [say.money(amount), say.exact(amount), say.change(amount, before)];
      [...output.children].forEach((part, n) => { part.textContent = texts[n]; });
    }
    const isChanged = Object.keys(given).length > 0;
    root.querySelector('.reset').disabled = !isChanged;
    if (!live) return;
    const of = isChanged ? distribution(model.totals(model.setting(given))) : base;
    const [low, p50, high] = [live.low, 0.5, live.high].map(of.quantile), mean = expected('cash');
    const isReport = !isChanged && !isMoved(budgetField), {words} = live;
    const chance = say.percent(isReport ? live.chance : of.over(budget));
    write('.likely', fill(words.likely, {low: say.money(low), high: say.money(high)}));
    write('.half', fill(words.half, {median: say.money(p50), mean: say.money(mean)}));
    write('.over', budget !== null ? fill(words.over, {chance, budget: say.full(budget)})
      : budgetField.value ? words.no_amount : words.no_budget);
    const amounts = {budget, p50, expected: mean, range_low: low, range_high: high};
    for (const show of charts.values()) show(of, amounts, isReport);
    // The last payments stay, dimmed, until new ones are found, so that nothing moves below them.
    announced.ariaBusy = true;
    clearTimeout(searching);
    searching = setTimeout(() => {
      remember();
      const [answer, found] = live.search && budget !== null ? search() : [''];
      write('.announce, .solution', answer);
      for (const use of all('.use')) use.hidden = !found?.solved;
      payments = found?.payments;
      announced.ariaBusy = false;
    }, 250);
  }

  // The address of the page keeps the settings, so that a link leads to them.
  function remember() {
    const kept = new URLSearchParams(controls.filter(isMoved).map(x => [x.name, x.value]));
    const address = kept.size ? `#what-if?${kept}` : '#what-if';
    if (kept.size || location.hash.startsWith('#what-if')) history.replaceState(null, '', address);
  }

  // Sets the controls to such settings; the other sliders go back to the report's inputs.
  function recall(settings) {
    const kept = new URLSearchParams(settings);
    for (const x of controls) {
      x.checked = kept.has(x.name) && x.type === 'checkbox';
      if (kept.has(x.name) || x !== budgetField) x.value = kept.get(x.name) ?? x.defaultValue;
    }
    update();
  }

  // Searches the payments that the form asks for, and returns the answer and what was found: if
  // they do not stay within the budget, payments that do with a lower probability.
  function search() {
    const fields = name => [...root.querySelectorAll(`.find [name=${name}]`)];
    const [level, step] = ['level', 'step'].map(name => Number(fields(name)[0].value));
    const ids = fields('varied').filter(x => x.checked).map(x => x.value), {search} = live;
    const varied = search.payments.filter(x => ids.includes(x.id)), {words} = search;
    if (![1, 2].includes(ids.length) || !(step > 0)) return [words.choose];
    const parts = model.parts(model.setting(given), ids);
    // The weight of a payment is the expected number of claims that receive it.
    const weight = id => expected('cash', {[id]: 1}) - expected('cash', {[id]: 0}), request = {
      ...search, budget, values, step: Math.round(step * live.per_field),
      payments: varied.map(x => ({...x, weight: weight(x.id)}))
    };
    const findAt = level => (
      {mark: `P${Math.round(100 * level)}`, ...findPayments(parts, {...request, level})});
    const asked = findAt(level);
    if (asked.refused) return [words[asked.refused]];
    const lower = asked.solved ? [] : search.levels.filter(p => p < level).map(findAt);
    const best = [asked, ...lower].find(found => found.solved) ?? asked, {quantile} = best;
    const unit = Math.max(10 ** Math.floor(Math.log10(quantile) - 2), say.minor);
    const none = asked.solved ? '' : fill(`${words.none} `, {mark: asked.mark});
    const answer = best.limited ? words.answer : words.not_limited;
    return [fill(none + (best.solved ? answer : words.nearest), {
      tiers: varied.map(x => fill(x.text, {payment: say.exact(best.payments[x.id])})).join('; '),
      expected: say.money(expected('cash', best.payments)),
      quantile: say.money(quantile),
      mark: best.mark,
      budget: say.full(budget),
      chance: say.percent(best.chance),
      amount: say.amount(Math.ceil(quantile / unit - 1e-9) * unit)  // three digits, rounded up
    }), best];
  }

  // A line cannot state an uncertain input with another mean: moved inputs become known exactly.
  function copyCommand(language) {
    const {names, [language]: form} = live.command, output = box.querySelector('.line');
    const moved = sliders.filter(x => x.factor in given), left = [], changes = [];
    for (const {factor, range, exactly} of moved) {
      if (exactly) exactly.checked = true;
      const [name, per] = names[factor] ?? [];
      if (name) changes.push(fill(form.change, {name, value: tenDigits(values[factor] / per)}));
      else left.push(range.ariaLabel);
    }
    update();
    const options = [...form.options];
    if (budget !== null) options.push(fill(form.budget, {budget: Math.round(budget / say.minor)}));
    if (changes.length) options.push(fill(form.changes, {changes: changes.join(form.between)}));
    output.value = fill(form.line, {options: options.join(form.between)});
    write('.left-out', left.length ? fill(live.words.left_out, {name: left.join(', ')}) : '');
    box.querySelector('.copied').hidden = false;
    output.select();
    navigator.clipboard?.writeText(output.value).catch(() => {});  // else it is selected
  }

  for (const part of [box, root]) part?.addEventListener('input', update);
  listen('.use', () => {
    for (const {factor, field, times, per} of sliders) {
      if (factor in payments) field.value = tenDigits(payments[factor] / times * per);
    }
    update();
  });
  listen('.copy', copyCommand);
  listen('.reset', () => {
    recall('');
    root.querySelector('[tabindex="-1"]').focus();
  });
  recall(live && location.hash.startsWith('#what-if?') ? location.hash.split('?')[1] : '');

  // Lets a chart of the total follow the sliders and the budget; a click in it sets the budget.
  return function attach(place, view, told) {
    if (!live) return;  // too few draws to redraw the chart
    charts.set(place, dotChart(place, view, say, told));
    place.onclick = ({clientX}) => {
      const {left} = place.querySelector('.background').getBoundingClientRect();
      const x = view.scale('x').invert(clientX - left);
      budgetField.value = say.amount(Number((told.log ? 10 ** x : Math.max(x, 0)).toPrecision(2)));
      update();
    };
    update();
  };
}
