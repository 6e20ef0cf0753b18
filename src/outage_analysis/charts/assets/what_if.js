// The sliders inside one element: whatIf(root, data). It looks nowhere else, so a page may have several. In a report,
// `box` is the element with the budget; there the range of the cash moves too, and the charts of the total with it.
const whatIf = (() => {
  'use strict';

  const LINE = 17;  // pixels between two labels of marks in the chart of the total

  const fill = (pattern, values) => pattern.replace(/\{(\w+)\}/g, (all, key) => values[key] ?? all);

  // Halves go to the even neighbour, as they do in the report.
  function grouped(value, digits) {
    return value.toLocaleString('en-US', {maximumFractionDigits: 9, roundingMode: 'halfEven', ...digits});
  }

  const rounded = (value, digits) => Number(grouped(value, {useGrouping: false, ...digits}));
  const whole = value => rounded(value, {maximumFractionDigits: 0});
  const twoDigits = value => rounded(value, {maximumSignificantDigits: 2});
  const tenDigits = value => Number(value.toPrecision(10));

  // Amounts as the report says them.
  function speaker(say) {
    const minor = 10 ** say.minor;

    function scaled(units, steps, gap) {
      const [size, name] = steps.find(([size]) => units >= size) ?? [1, ''];
      return grouped(tenDigits(units / size)) + (name && gap + name);
    }

    function inWords(units) {
      if (!say.korean) return `${scaled(units, say.steps, say.glued ? '' : ' ')} ${say.unit}`;
      const parts = [];
      let rest = whole(units);
      for (const [size, name] of say.steps) {
        if (rest >= size) parts.push(grouped(Math.floor(rest / size)) + name);
        rest %= size;
      }
      return [...parts, rest || !parts.length ? grouped(rest) + say.unit : say.unit].join(' ');
    }

    const money = amount => inWords(twoDigits(amount / minor));
    const amountOf = amount => grouped(whole(amount) / minor, {minimumFractionDigits: say.minor});
    return {
      money,
      amount: amountOf,
      full: amount => inWords(tenDigits(amount / minor)),
      brief: amount => scaled(twoDigits(amount / minor), say.brief, ''),
      exact: amount => fill(say.exact, {amount: amountOf(amount)}),
      change(now, before) {
        const added = Math.abs(now - before), sign = now < before ? say.less : say.more;
        const share = before ? `${sign}${grouped(twoDigits(added / before * 100))}%` : '–';
        return added ? fill(say.change, {amount: sign + money(added), share}) : say.same;
      },
      percent(chance) {
        if (chance > 0 && chance < 0.01) return say.under_one;
        return chance < 1 && chance > 0.99 ? say.over_ninety_nine : `${Math.round(100 * chance)}%`;
      },
      // Reads an amount as a person types it: 400M, 400,000,000 or 4억 5,000만. NaN if it is none.
      read(text) {
        const plain = say.units.reduce((rest, unit) => rest.replace(unit, ''), text.replace(/[,_\s]/g, '')).toLowerCase();
        let sum = /^(\d+(\.\d+)?[^\d.]*)+$/.test(plain) ? 0 : NaN;
        for (const [, number, name] of plain.matchAll(/([\d.]+)([^\d.]*)/g)) {
          sum += parseFloat(number) * (name ? say.sizes[name] : 1);  // an unknown name makes it NaN
        }
        return sum > 0 ? Math.round(sum * minor) : NaN;
      },
      unit: say.unit,
      minor
    };
  }

  // One input: a slider and a number field that follow each other, and whether its value is known exactly.
  function slider(place, moved) {
    const [range, field, exactly] = ['range', 'number', 'checkbox'].map(type => place.querySelector(`[type=${type}]`));
    const unit = place.querySelector('.unit').textContent, {factor, times, per, bounded} = place.dataset;

    function follow() {
      range.value = field.value;
      range.setAttribute('aria-valuetext', `${field.value} ${unit}`);
    }

    function set(value, known) {
      field.value = value;
      if (exactly) exactly.checked = known;
      follow();
    }

    const tell = () => moved(factor, Number(field.value) * times / per, Boolean(exactly?.checked));

    place.addEventListener('input', ({target}) => {
      if (target === range) field.value = range.value;
      if (!(field.valueAsNumber >= 0)) return;
      if (bounded && field.valueAsNumber > Number(range.max)) field.value = range.max;
      follow();
      tell();
    });
    field.addEventListener('change', () => { if (!(field.valueAsNumber >= 0)) field.value = range.value; });
    return {
      name: place.querySelector('.name').textContent,
      reset: () => set(field.defaultValue, false),
      put(value, known) {
        set(tenDigits(value / times * per), known);
        tell();
      }
    };
  }

  // A chart of the total whose dots, marks and axis move. `marks` has the names and the patterns of their labels, from
  // the top down; the line of the first, the budget, is free in a report without one. `blue` says which dots are blue.
  // What happened, known only afterwards, stays where it is; `told` has the pattern of its sentence, and the part of the
  // subtitle that is true for the report alone.
  function picture(element, view, say, {marks, blue}, told) {
    const [dots, lines] = ['dots', 'marks'].map(name => structuredClone(view.data(name)));  // Vega marks its own
    const [low, high, ticks] = ['low', 'high', 'ticks'].map(name => view.signal(name));
    const log = dots.at(-1).place < dots.at(-1).amount / 2;  // places on a linear axis are the amounts
    const pad = 1.5 * dots[0].share * (high - low), top = lines.at(-1).top - LINE * (marks.length - 1);
    const height = dots[0].room * Math.max(...dots.map(dot => dot.level + 0.5));
    const happened = lines.find(line => line.mark === 'observed');
    const [heading, caption] = element.closest('.drawn')?.querySelectorAll('figcaption > *') ?? [];
    const texts = [heading, caption].map(text => text?.textContent);

    function draw(dots, marks, signals) {
      view.data('dots', structuredClone(dots)).data('marks', structuredClone(marks));
      for (const [name, value] of Object.entries(signals)) view.signal(name, value);
      view.runAsync();
    }

    function show(of, amounts, isReport, sameBudget) {
      const hasBudget = amounts.budget !== null, end = hasBudget ? amounts.budget : amounts.range_high;
      if (caption) {
        const subtitle = isReport ? texts[1] : texts[1].replace(told.nothing, '');
        caption.textContent = subtitle.replace(blue[hasBudget ? 0 : 1], blue[hasBudget ? 1 : 0]);
      }
      if (caption && happened) heading.textContent = isReport ? texts[0]
        : fill(told.happened, {amount: say.money(happened.amount), share: say.percent(1 - of.over(happened.amount))});
      if (isReport && sameBudget) return draw(dots, lines, {low, high, ticks, labels: []});
      const totals = dots.map((dot, n) => isReport ? dot.amount : of.quantile((n + 0.5) / dots.length));
      const most = Math.max(...totals, amounts.budget, amounts.expected, happened?.amount ?? 0) || 1;
      const least = Math.min(most, Math.max(of.quantile(0.1) / 20, most / 1e4));  // smaller amounts stand on the left
      const from = log && !isReport ? Math.min(low, Math.log10(Math.max(least, of.quantile(0.01))) - 2 * pad) : low;
      const to = Math.max(high, (log ? Math.log10(most) : most) + pad), width = dots[0].share * (to - from);
      const stacks = {}, powers = [];

      function place(amount) {
        if (!log) return amount;
        return amount < least ? from + 1.5 * width : Math.max(Math.log10(amount), from + width / 2);
      }

      // Every dot stands on its own side of the line at the end of the blue ones.
      const moved = totals.map(amount => {
        const bin = Math.ceil((place(amount) - place(end)) / width - 1e-9);
        const likely = (hasBudget || amount >= amounts.range_low) && amount <= end;
        stacks[bin] = (stacks[bin] ?? 0) + 1;
        return {amount, place: place(end) + (bin - 0.5) * width, level: stacks[bin] - 0.5, label: say.brief(amount), likely};
      });
      // The dots of a high stack are smaller.
      const room = Math.min(dots[0].room, height / Math.max(...Object.values(stacks)));
      const rules = marks.map(([mark, pattern], n) => {
        const amount = amounts[mark], label = fill(pattern, {amount: say.brief(amount), share: say.percent(of.over(amount))});
        return {mark, place: place(amount), label, top: top + n * LINE, strong: mark === 'budget' || mark === 'p50'};
      }).filter(rule => amounts[rule.mark] !== null);
      if (happened) rules.push({...happened, place: place(happened.amount)});
      for (let power = Math.ceil(from); log && power < to; power++) powers.push(power);
      const labels = powers.map(power => say.brief(10 ** power)), axis = {low: from, high: to, ticks: log ? powers : ticks, labels};
      draw(moved.map(dot => ({...dot, room, share: dots[0].share})), rules, axis);
    }

    function amountAt(x) {
      const place = view.scale('x').invert(x - element.querySelector('.background').getBoundingClientRect().left);
      return log ? 10 ** place : Math.max(place, 0);
    }

    return {element, show, amountAt};
  }

  return (root, data, box) => {
    const say = speaker(data.formats), live = data.live, sliders = {}, model = live && liveModel(live.model);
    const find = root.querySelector('.find'), form = find?.querySelector('form'), reset = root.querySelector('.reset');
    const field = box?.querySelector('.budget input'), announced = box?.querySelector('.announce');
    const base = live && liveModel.distribution(model.totals({}, {}));
    let given = {}, known = {}, now = base, budget = live?.budget ?? null, pictures = [], drawing, searching;

    const all = selector => [box, root].flatMap(part => [...part?.querySelectorAll(selector) ?? []]);
    const write = (selector, text) => all(selector).forEach(element => { element.textContent = text; });
    const listen = (selector, go) => all(selector).forEach(button => button.addEventListener('click', () => go(button)));

    // An expected amount, with other values of inputs if they are given.
    function mean(valuation, others) {
      return liveModel.evaluate(data.terms[valuation], {...data.factors, ...given, ...others}, 1)[0];
    }

    const expected = (valuation, others) => tenDigits(mean(valuation, others));

    // The changes of inputs, and of payments.
    function setting() {
      const changes = {}, pays = {};
      for (const [id, value] of Object.entries(given)) {
        if (!(id in model.inputs)) pays[id] = value;
        else if (known[id] || id in live.model.fixed) changes[id] = {set: value};
        else changes[id] = model.changeTo(id, value, live.means[id], live.shares.includes(id));
      }
      return [changes, pays];
    }

    function draw() {
      const isReport = now === base, sameBudget = budget === live.budget, words = live.words;
      const [low, p50, high] = [live.low, 0.5, live.high].map(now.quantile), amounts = {
        p50, budget, expected: expected('cash'), range_low: low, range_high: high
      };
      write('.moved', isReport ? '' : words.moved);
      write('.likely', fill(words.likely, {low: say.money(low), high: say.money(high)}));
      write('.half', fill(words.half, {median: say.money(p50), mean: say.money(amounts.expected)}));
      const chance = say.percent(isReport && sameBudget ? live.chance : now.over(budget));
      write('.over', budget !== null ? fill(words.over, {chance, budget: say.full(budget)})
        : field.value ? words.no_amount : words.no_budget);
      for (const each of pictures) each.show(now, amounts, isReport, sameBudget);
    }

    // Says what the inputs and the budget lead to.
    function update() {
      for (const output of root.querySelectorAll('output[data-valuation]')) {
        const {valuation} = output.dataset, amount = expected(valuation);
        output.querySelector('.amount').textContent = say.money(amount);
        output.querySelector('.exact').textContent = say.exact(amount);
        output.querySelector('.change').textContent = say.change(amount, data.report[valuation]);
      }
      reset.disabled = !Object.keys(given).length;
      if (!live) {
        root.querySelector('.range').hidden = reset.disabled;
        return;
      }
      remember();
      forget();
      cancelAnimationFrame(drawing);
      drawing = requestAnimationFrame(() => {
        now = reset.disabled ? base : liveModel.distribution(model.totals(...setting()));
        draw();
      });
    }

    function setBudget(amount) {
      budget = amount;
      field.value = amount === null ? '' : say.amount(amount);
      update();
    }

    function back() {
      [given, known] = [{}, {}];
      for (const each of Object.values(sliders)) each.reset();
    }

    // The address of the page keeps the settings, so that a link leads to them.
    function remember() {
      const parts = new URLSearchParams(Object.entries(given).map(([id, value]) => [id, value + (known[id] ? '!' : '')]));
      if (budget !== live.budget) parts.set('budget', budget ?? '');
      const address = parts.size ? `#what-if?${parts}` : '#what-if';
      if (parts.size || location.hash.startsWith('#what-if')) history.replaceState(null, '', address);
    }

    function recall() {
      if (!location.hash.startsWith('#what-if?')) return;
      for (const [id, text] of new URLSearchParams(location.hash.split('?')[1])) {
        const value = parseFloat(text);
        if (id === 'budget') budget = value >= 0 ? value : null;
        else if (value >= 0) sliders[id]?.put(value, text.endsWith('!'));
      }
    }

    // Other settings have other payments. The old announcement stays, dimmed, until the new one is found, so that
    // nothing moves below it.
    function forget() {
      if (!find) return;
      write('.solution', '');
      all('.use').forEach(button => { button.hidden = true; });
      clearTimeout(searching);
      announced.ariaBusy = budget !== null;
      if (budget === null) announced.textContent = '';
      else searching = setTimeout(() => {
        announced.textContent = search(true);
        announced.ariaBusy = false;
      }, 250);
    }

    // Searches with the settings of the form; returns the answer. On the first screen it is brief, and if no payments
    // stay within the budget, those that do with a lower probability follow.
    function search(brief) {
      const {level, step} = form.elements, {words, edges, most_varied} = live.search;
      const use = (brief ? box : find).querySelector('.use');
      const payments = live.search.payments.filter((x, n) => find.querySelectorAll('[name=varied]')[n].checked);
      if (budget === null) return words.no_budget;
      if (!payments.length || payments.length > most_varied) return words.choose;
      if (!(step.valueAsNumber > 0)) return words.no_step;
      const parts = model.parts(...setting(), payments.map(x => x.id)), request = {
        budget,
        edges,
        values: {...data.factors, ...given},
        step: Math.round(step.valueAsNumber * live.per_field),
        // The weight of a payment is the expected number of claims that receive it.
        payments: payments.map(x => ({...x, weight: mean('cash', {[x.id]: 1}) - mean('cash', {[x.id]: 0})}))
      };
      const findAt = p => ({level: p, ...findPayments(parts, {...request, level: p})});
      let best = findAt(Number(level.value));
      if (best.excluded || best.unlimited) return best.excluded ? words.excluded : words.unlimited;
      if (best.many) return fill(words.many, {count: grouped(best.many)});
      const said = best.solved ? [] : [sentence('none')];
      if (brief && !best.solved) {
        const lower = [...level.options].map(option => Number(option.value)).filter(p => p < best.level).reverse();
        best = lower.map(findAt).find(other => other.solved) ?? best;
      }
      use.hidden = !best.solved;
      use.value = JSON.stringify(best.payments);
      const more = best.solved ? ['answer', ...best.limited ? [] : ['not_limited']] : ['nearest', 'least'];
      return [...said, ...(brief ? [best.solved ? 'announce' : 'least'] : more).map(sentence)].join(' ');

      function sentence(name) {
        const unit = Math.max(10 ** Math.floor(Math.log10(best.quantile) - 2), say.minor);  // three digits, rounded up
        return fill(words[name], {
          tiers: payments.map(x => fill(x.text, {payment: say.exact(best.payments[x.id])})).join('; '),
          expected: say.money(expected('cash', best.payments)),
          quantile: say.money(best.quantile),
          mark: `P${Math.round(100 * best.level)}`,
          level: `${Math.round(100 * best.level)}%`,
          budget: say.full(budget),
          chance: say.percent(best.chance),
          unit: say.unit,
          amount: say.amount(Math.ceil(best.quantile / unit - 1e-9) * unit)
        });
      }
    }

    // A line cannot say that an input is uncertain around another mean, so moved inputs become known exactly.
    function copyCommand(language) {
      const ids = Object.keys(given), {names, [language]: form} = live.command, output = box.querySelector('.line');
      ids.filter(id => id in live.means && !known[id]).forEach(id => sliders[id].put(given[id], true));
      const changes = ids.filter(id => id in names).map(id => {
        return fill(form.change, {name: names[id][0], value: tenDigits(given[id] / names[id][1])});
      });
      const others = ids.filter(id => !(id in names)).map(id => sliders[id].name);
      output.value = fill(form.line, {
        budget: budget === null ? '' : fill(form.budget, {budget: Math.round(budget / say.minor)}),
        changes: changes.length ? fill(form.changes, {changes: changes.join(form.between)}) : ''
      }).replace(', )', ')').replace(/ +/g, ' ');
      write('.left-out', others.length ? fill(live.words.left_out, {name: others.join(', ')}) : '');
      box.querySelector('.copied').hidden = false;
      output.select();
      navigator.clipboard?.writeText(output.value).catch(() => {});  // else it is selected
    }

    for (const element of root.querySelectorAll('.slider')) {
      sliders[element.dataset.factor] = slider(element, (id, value, exactly) => {
        [given[id], known[id]] = [value, exactly];
        update();
      });
    }
    // Settings at once: the sliders move to the new means, or to exact values.
    listen('[data-preset]', button => {
      back();
      for (const [id, change] of Object.entries(data.presets[button.dataset.preset].changes)) {
        sliders[id].put(change.set ?? model.meanAfter(id, change, live.means[id]), change.set !== undefined);
      }
    });
    listen('.reset', () => {
      back();
      update();
      root.querySelector('[tabindex="-1"]').focus();
    });
    listen('.use', button => {
      const found = find.querySelector('.solution').textContent;
      for (const [id, value] of Object.entries(JSON.parse(button.value))) sliders[id].put(value, false);
      write('.solution', found);
    });
    listen('.copy', button => copyCommand(button.value));
    form?.addEventListener('submit', event => {
      event.preventDefault();
      write('.solution', search());
    });
    form?.addEventListener('input', forget);
    field?.addEventListener('input', () => {
      const amount = say.read(field.value);
      budget = isNaN(amount) ? null : amount;
      update();
    });
    back();  // a browser may keep what was typed before the page was loaded again
    if (live) {
      recall();
      setBudget(budget);
    }
    return {
      // Lets a chart of the total follow the sliders and the budget; a click in it sets the budget.
      attach(element, view, told) {
        if (!live) return;  // too few draws to redraw the chart
        const chart = picture(element, view, say, live, told);
        pictures = [...pictures.filter(each => each.element !== element), chart];
        element.onclick = event => {
          setBudget(Number((chart.amountAt(event.clientX) / live.per_field).toPrecision(2)) * live.per_field);
        };
        draw();
      }
    };
  };
})();
