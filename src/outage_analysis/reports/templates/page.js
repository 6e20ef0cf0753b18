(function () {
  'use strict';

  var OPTIONS = {
    ast: true, actions: false, defaultStyle: false, renderer: 'svg', tooltip: {disableDefaultStyle: true}
  };

  var dark = window.matchMedia('(prefers-color-scheme: dark)'), panel = null, drawn = new Map();

  // The colours of a chart on a dark page; colours in data stay, because such cells have their own text colour.
  function inPalette(spec, palette) {
    if (Array.isArray(spec)) return spec.map(function (part) { return inPalette(part, palette); });
    if (typeof spec === 'string') return palette[spec] || spec;
    if (!spec || typeof spec !== 'object') return spec;
    var copy = {};
    Object.keys(spec).forEach(function (key) {
      copy[key] = /^(datasets|values|data)$/.test(key) ? spec[key] : inPalette(spec[key], palette);
    });
    return copy;
  }

  function coloured(spec) {
    return dark.matches ? inPalette(spec, JSON.parse(document.getElementById('dark-palette').textContent)) : spec;
  }

  // A chart takes the width of its place, so it is drawn when its place is visible.
  function whenVisible(place, draw) {
    if (place.clientWidth) { draw(); return; }
    var watch = new ResizeObserver(function () {
      if (place.clientWidth) { watch.disconnect(); draw(); }
    });
    watch.observe(place);
  }

  // Charts of the total follow the sliders. Charts side by side have a width of their own: on a phone they stand in one
  // column.
  function embed(place, spec) {
    var views = (spec.vconcat || [])[1], shown = coloured(spec);
    if (views && place.clientWidth < 740) shown = Object.assign({}, shown, {vconcat: [shown.vconcat[0], Object.assign({}, views, {columns: 1})]});
    return window.vegaEmbed(place, shown, OPTIONS).then(function (result) {
      var lists = place.querySelector('.vega-bindings');  // Vega writes the list of the last chart first
      if (lists) Array.from(lists.children).reverse().forEach(function (list) { lists.append(list); });
      drawn.set(place, spec);
      if (panel && spec.datasets.dots) panel.attach(place, result.view);
    });
  }

  function charts() {
    document.querySelectorAll('script.charts').forEach(function (element) {
      var specs = JSON.parse(element.textContent);
      document.querySelectorAll('[data-chart]').forEach(function (place) {
        var spec = specs[place.dataset.chart];
        if (spec) whenVisible(place, function () {
          embed(place, spec);
          dark.addEventListener('change', function () { embed(place, spec); });
        });
      });
    });
  }

  // The table below a chart, or else the first of its section, as CSV.
  function figures(figure) {
    var table = figure.querySelector('table') || figure.parentNode.querySelector('table');
    return '\ufeff' + Array.from(table.rows, function (row) {
      return Array.from(row.cells, function (cell) {  // a spreadsheet would run such a text as a formula
        return '"' + cell.textContent.trim().replace(/^(?=[=+@]|-(?![\d.,]+$))/, "'").replace(/"/g, '""') + '"';
      }).join(',') + '\r\n';
    }).join('');
  }

  // A chart of the report as a file with its title and its sources, or its figures.
  function save(event) {
    var button = event.target.closest('.save button'), figure = button && button.closest('figure');
    var place = figure && figure.querySelector('.chart'), spec = drawn.get(place), kind = button && button.value;
    if (!spec) return;
    var whole = Object.assign({}, spec, {title: spec.usermeta.title}, spec.width ? {width: 760} : {});
    var made = kind === 'csv' ? Promise.resolve(figures(figure)) : window.vegaEmbed(document.createElement('div'), whole, OPTIONS);
    made.then(function (result) { return kind === 'csv' ? result : kind === 'svg' ? result.view.toSVG() : result.view.toImageURL('png', 2); }).then(function (content) {
      var link = document.createElement('a');
      link.download = place.dataset.chart + '.' + kind;
      link.href = kind === 'png' ? content : URL.createObjectURL(new Blob([content], {type: kind === 'csv' ? 'text/csv' : 'image/svg+xml'}));
      link.click();
    });
  }

  function sliders() {
    var element = document.getElementById('what-if-data');
    if (element) panel = window.whatIf(document.querySelector('.what-if'), JSON.parse(element.textContent), document.querySelector('.box'));
  }

  // Long tables: rows that contain the words of a search, and sorting by a column; empty cells come last.
  function tables() {
    document.querySelectorAll('.search input').forEach(function (field) {
      var label = field.closest('label'), rows = Array.from(label.nextElementSibling.querySelectorAll('tbody tr'));
      field.addEventListener('input', function () {
        var words = field.value.toLowerCase().split(/\s+/);
        rows.forEach(function (row) {
          var text = row.textContent.toLowerCase();
          row.hidden = !words.every(function (word) { return text.includes(word); });
        });
        label.classList.toggle('none', rows.every(function (row) { return row.hidden; }));
      });
    });
    document.querySelectorAll('table').forEach(function (table) {
      var body = table.tBodies[0];
      if (!body || body.rows.length < 6 || table.matches('.stack, .options')) return;
      Array.from(table.tHead.rows[0].cells).forEach(function (head, column) {
        var button = document.createElement('button');
        button.type = 'button';
        button.append.apply(button, Array.from(head.childNodes));
        head.append(button);
        button.addEventListener('click', function () {
          var up = head.getAttribute('aria-sort') !== 'ascending';
          Array.from(table.tHead.rows[0].cells).forEach(function (cell) { cell.removeAttribute('aria-sort'); });
          head.setAttribute('aria-sort', up ? 'ascending' : 'descending');
          body.append.apply(body, Array.from(body.rows).sort(function (a, b) { return order(a.cells[column], b.cells[column], up ? 1 : -1); }));
        });
      });
    });
  }

  function order(one, other, sign) {
    var texts = [one, other].map(function (cell) { return cell.textContent.trim(); });
    var empty = texts.map(function (text) { return /^[–—-]?$/.test(text); });
    if (empty[0] || empty[1]) return empty[0] - empty[1];
    var numbers = texts.map(function (text) { return parseFloat(text.replace(/,/g, '').replace('\u2212', '-')); });
    return sign * (numbers.every(isFinite) ? numbers[0] - numbers[1] : texts[0].localeCompare(texts[1]));
  }

  // A link to an appendix, or to a fact in it, opens the appendix.
  function opening() {
    function open() {
      var target = document.getElementById(decodeURIComponent(window.location.hash.slice(1)));
      for (var place = target; place; place = place.parentElement) if (place.matches('details')) place.open = true;
      if (target && target.closest('details')) target.scrollIntoView();
    }
    window.addEventListener('hashchange', open);
    open();
    // On a phone the list of contents starts closed.
    if (window.matchMedia('(max-width: 1339px)').matches) document.querySelector('nav details').open = false;
  }

  window.addEventListener('DOMContentLoaded', function () {
    sliders();
    tables();
    opening();
    if (!window.vegaEmbed) return;
    document.addEventListener('click', save);
    // Charts are laid out by the widths of their texts, so their font comes first.
    Promise.all(['400', '700'].map(function (weight) {
      return document.fonts.load(weight + ' 12px "Outage Sans"');
    })).then(charts, charts);
  });
})();
