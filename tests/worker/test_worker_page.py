"""The page that a child shares with its parent."""

from mincer.worker.page import Page


def test_both_ends_see_the_same(tmp_path):
    path = str(tmp_path / "page")
    parent = Page(path, create=True)
    child = Page(path)
    child.begin(careful=True)
    child.publish(7, 100)
    position = parent.read()
    assert (position.ordinal, position.done, position.attempt) == (7, 100, 1)
    child.begin(careful=False)
    assert parent.read().ordinal == -1
    assert parent.read().attempt == 2
    for page in (parent, child):
        page.close()


def test_a_record_is_known_only_when_each_was_published(tmp_path):
    page = Page(str(tmp_path / "page"), create=True)
    page.begin(careful=False)
    page.publish(7, 0)
    assert page.read().record is None
    page.begin(careful=True)
    assert page.read().record is None
    page.publish(7, 0)
    assert page.read().record == 7
    page.close()


def test_what_was_given_is_numbered(tmp_path):
    path = str(tmp_path / "page")
    parent = Page(path, create=True)
    child = Page(path)
    for given in (1, 2):
        child.take()
        assert (parent.read().given, parent.read().attempt) == (given, 0)
        child.begin(careful=False)
        assert parent.read().attempt == 1
    for page in (parent, child):
        page.close()


def test_a_recall_is_of_one_gift_only(tmp_path):
    path = str(tmp_path / "page")
    parent = Page(path, create=True)
    child = Page(path)
    child.take()
    assert not child.is_recalled
    parent.recall(1)
    assert child.is_recalled
    child.take()
    assert not child.is_recalled
    for page in (parent, child):
        page.close()
